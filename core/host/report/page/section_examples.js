// A few users: what they had, what each model lists for them, and what came; of several runs side by side where they were
// asked about the same users.
"use strict";

tsrecSections.push({
  id: "examples", title: "Example users", order: 68,
  shows(run) { return Boolean(run.examples); },
  render(root, whole, tools) {
    const { el, number } = tools;

    // What is drawn of one run's examples.
    function drawer(all) {
      const itemOf = (place) => all.items[place];
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
      return {
        whatCame: (user) => el("div", { class: "grid-2" },
          el("div", {}, el("h3", {}, "History, oldest first"),
            user.earlier > 0 ? el("p", { class: "note" }, `${number(user.earlier)} earlier ${user.earlier === 1 ? "item" : "items"}, then`) : null,
            el("ol", { class: "history" }, user.history.map((item) => el("li", {}, itemOf(item).title, " ", sidOf(item, 0))))),
          el("div", {}, el("h3", {}, "What came"), el("p", { class: "target" }, itemOf(user.target).title, " ", sidOf(user.target, itemOf(user.target).sid.length)), why(user))),
        listed(list, place, target) {
          const item = list.items[place];
          if (item === undefined) return "";
          const isTarget = item === target, isTwin = !isTarget && isOneSid(item, target);
          return { value: itemOf(item).title, class: isTarget ? "hit" : isTwin ? "twin" : "",
            node: el("div", { class: "listed" }, el("span", {}, isTarget ? "✓ " : "", itemOf(item).title, isTwin ? " (the target's SID)" : ""), sidOf(item, list.shared[place] ?? 0)) };
        },
      };
    }
    // columns: [{label, list, target, drawn}].
    function listTable(columns) {
      const places = Math.max(...columns.map(({ list }) => list.items.length));
      const rank = ({ list }) => (list.rank === 0 ? { value: 1e9, text: "not in the list" } : { value: list.rank, text: number(list.rank) });
      return tools.table(["place", ...columns.map(({ label }) => label)], [
        ...Array.from({ length: places }, (_, place) => [number(place + 1), ...columns.map(({ list, target, drawn }) => drawn.listed(list, place, target))]),
        ["target at", ...columns.map(rank)],
      ], { caption: "The first five of each list; codes in bold are those of the target", class: "lists" });
    }
    const rowOf = (all, user) => `Row ${number(user.row)} of ${number(all.rows)} ${all.split} rows, user ${user.user}`;

    function ofRun(panel, run) {
      const all = run.examples, drawn = drawer(all);
      const reason = (user) => (user.chosen === "even" ? "evenly spaced" : `${all.after} has the target ${user.chosen} than ${all.before}`);
      function draw(box, user) {
        const lists = [...user.lists.filter((list) => list.is_model), ...user.lists.filter((list) => !list.is_model)];
        box.append(el("p", { class: "note" }, `${rowOf(all, user)}: ${reason(user)}.`), drawn.whatCame(user),
          listTable(lists.map((list) => ({ label: list.of, list, target: user.target, drawn }))));
      }
      panel.append(el("p", {}, `Chosen by a rule, not by hand: four evenly spaced rows${all.after ? `, and those where the target's place in the list of ${all.after} is most above and most below that of ${all.before} (by 1 / place)` : ""}.`));
      tools.tabs(panel, all.users.map((user) => ({ label: `User ${user.user}${user.chosen === "even" ? "" : `, ${user.chosen} by ${all.after}`}`, make: (box) => draw(box, user) })), { label: "Users", always: true });
    }

    // The users that all runs were asked about, of each cell under its first seed: [{user, columns of listTable()}].
    function usersOfAll() {
      const runs = whole.runs.filter((run, at) => run.examples && (!run.cell || whole.runs.findIndex((other) => other.cell === run.cell) === at));
      if (runs.length < 2) return [];
      const named = (all, place) => all.items[place].title;
      const keyOf = (all, user) => JSON.stringify([all.split, all.rows, user.row, user.user, named(all, user.target), user.history.map((place) => named(all, place))]);
      const drawn = runs.map((run) => drawer(run.examples));
      return runs[0].examples.users.flatMap((user) => {
        const key = keyOf(runs[0].examples, user), columns = [];
        for (const [at, run] of runs.entries()) {
          const own = run.examples.users.find((other) => keyOf(run.examples, other) === key);
          if (!own) return [];
          const list = own.lists.findLast((one) => one.is_model) ?? own.lists.at(-1);
          columns.push({ label: `${run.cell || run.name}: ${list.of}`, list, target: own.target, drawn: drawn[at] });
        }
        return [{ user, all: runs[0].examples, columns }];
      });
    }
    const shared = usersOfAll();
    if (shared.length > 0) {
      root.append(el("p", {}, "The same users in every run, and the list of its last model", shared[0].columns.length < whole.runs.length ? ", under the first seed of each cell." : "."));
      tools.tabs(root, shared.map(({ user, all, columns }) => ({ label: `User ${user.user}`, make: (box) => box.append(
        el("p", { class: "note" }, `${rowOf(all, user)}.`), columns[0].drawn.whatCame(user), listTable(columns)) })), { label: "Users of all runs", always: true });
      root.append(el("h3", {}, "Run by run"));
    }
    tools.runTabs(root, whole, this.shows, ofRun);
  },
});
