// A few users: what they had, what each model lists for them, and what came.
"use strict";

tsrecSections.push({
  id: "examples", title: "Example users", order: 68,
  shows(run) { return Boolean(run.examples); },
  render(root, whole, tools) {
    const { el, number } = tools;

    tools.runTabs(root, whole, this.shows, (panel, run) => {
      const all = run.examples, itemOf = (place) => all.items[place];
      // The codes of a SID; the first `same` of them are the target's.
      const sidOf = (place, same) => el("span", { class: "sid" }, itemOf(place).sid.map((token, level) =>
        el("code", { class: level < same ? "same" : null, title: all.keywords[token] ?? null }, token)));
      const isOneSid = (a, b) => itemOf(a).sid.length > 0 && itemOf(a).sid.join() === itemOf(b).sid.join();

      function why(user) {
        const target = itemOf(user.target), lines = [];
        const words = target.sid.filter((token) => all.keywords[token]).map((token) => el("li", {}, el("code", {}, token), " ", all.keywords[token]));
        if (words.length > 0) lines.push(el("p", {}, "What its codes mean:"), el("ul", { class: "plain-list" }, words));
        if (target.sid.length === 0) return lines;
        if (user.nearest >= 0) {
          const codes = user.shared >= target.sid.length ? "its whole SID" : user.shared === 1 ? "its first code" : `its first ${user.shared} codes`;
          lines.push(el("p", {}, `The history has ${codes} in `, el("em", {}, itemOf(user.nearest).title), "."));
        } else lines.push(el("p", {}, "No item of the history begins with its first code: nothing in the history's SIDs points there."));
        return lines;
      }
      function lists(user) {
        const shown = [...user.lists.filter((list) => list.is_model), ...user.lists.filter((list) => !list.is_model)];
        const places = Math.max(...shown.map((list) => list.items.length));
        const cell = (list, place) => {
          const item = list.items[place];
          if (item === undefined) return "";
          const isTarget = item === user.target, isTwin = !isTarget && isOneSid(item, user.target);
          return { value: itemOf(item).title, class: isTarget ? "hit" : isTwin ? "twin" : "",
            node: el("div", { class: "listed" }, el("span", {}, isTarget ? "✓ " : "", itemOf(item).title, isTwin ? " (the target's SID)" : ""), sidOf(item, list.shared[place] ?? 0)) };
        };
        const rank = (list) => (list.rank === 0 ? { value: 1e9, text: "not in the list" } : { value: list.rank, text: number(list.rank) });
        return tools.table(["place", ...shown.map((list) => list.of)], [
          ...Array.from({ length: places }, (_, place) => [number(place + 1), ...shown.map((list) => cell(list, place))]),
          ["the target's place", ...shown.map(rank)],
        ], { caption: "The first five of each list; codes in bold are those of the target", class: "lists" });
      }
      const reason = (user) => (user.chosen === "even" ? "evenly spaced" : `${all.after} has the target ${user.chosen} than ${all.before}`);
      function draw(box, user) {
        box.append(
          el("p", { class: "note" }, `Row ${number(user.row)} of ${number(all.rows)} ${all.split} rows, user ${user.user}: ${reason(user)}.`),
          el("div", { class: "grid-2" },
            el("div", {}, el("h3", {}, "History, oldest first"),
              user.earlier > 0 ? el("p", { class: "note" }, `${number(user.earlier)} earlier ${user.earlier === 1 ? "item" : "items"}, then`) : null,
              el("ol", { class: "history" }, user.history.map((item) => el("li", {}, itemOf(item).title, " ", sidOf(item, 0))))),
            el("div", {}, el("h3", {}, "What came"), el("p", { class: "target" }, itemOf(user.target).title, " ", sidOf(user.target, itemOf(user.target).sid.length)), why(user))),
          lists(user));
      }
      panel.append(el("p", {}, `Chosen by a rule, not by hand: four evenly spaced rows${all.after ? `, and those where the target's place in the list of ${all.after} is most above and most below that of ${all.before} (by 1 / place)` : ""}.`));
      tools.tabs(panel, all.users.map((user) => ({ label: `User ${user.user}${user.chosen === "even" ? "" : `, ${user.chosen} by ${all.after}`}`, make: (box) => draw(box, user) })), { label: "Users", always: true });
    });
  },
});
