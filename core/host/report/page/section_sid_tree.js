// The tree of SIDs, to walk through: nodes are drawn when they are opened.
"use strict";

tsrecSections.push({
  id: "sid_tree", title: "Tree of semantic IDs", order: 64,
  shows(run) { return Boolean(run.sid_tree); },
  render(root, whole, tools) {
    const { el, number } = tools;
    const several = (count, what) => `${number(count)} ${what}${count === 1 ? "" : "s"}`;

    // A tree of the ARIA practices: one item can be reached by Tab, arrows go from there.
    function treeOf(tree) {
      const list = el("ul", { role: "tree", class: "sid-tree", "aria-label": "Semantic IDs" });
      const visible = () => [...list.querySelectorAll('[role="treeitem"]')].filter((one) => !one.parentElement.closest('[aria-expanded="false"]'));
      function focus(item) {
        if (!item) return;
        for (const other of list.querySelectorAll('[role="treeitem"][tabindex="0"]')) other.tabIndex = -1;
        item.tabIndex = 0;
        item.focus();
      }
      function setOpen(item, isOpen) {
        if (!item.hasAttribute("aria-expanded")) return;
        if (isOpen && !item.children[1]) item.append(item.makeChildren());
        item.setAttribute("aria-expanded", String(isOpen));
        item.children[1].hidden = !isOpen;
      }
      const leaf = (text) => el("li", { role: "treeitem", tabindex: -1, class: "item" }, el("span", { class: "node" }, text));
      function childrenOf(node) {
        const below = el("ul", { role: "group" });
        for (const child of node.shown ?? []) below.append(nodeOf(child));
        for (const title of node.titles ?? []) below.append(leaf(title));
        const items = (node.here ?? 0) - (node.titles ?? []).length, nodes = (node.children ?? 0) - (node.shown ?? []).length;
        const missing = [nodes > 0 ? several(nodes, "more code") : "", items > 0 ? several(items, "more item") : ""].filter(Boolean).join(" and ");
        if (missing) below.append(el("li", { role: "treeitem", tabindex: -1, class: "missing" }, el("span", { class: "node" }, `${missing}, not in this page`)));
        return below;
      }
      function nodeOf(node) {
        const row = el("span", { class: "node", onclick: () => { setOpen(item, item.getAttribute("aria-expanded") !== "true"); focus(item); } },
          el("code", {}, node.token), " ", el("span", { class: "count" }, several(node.items, "item")), " ", tree.keywords[node.token] ? el("span", { class: "words" }, tree.keywords[node.token]) : null);
        const item = el("li", { role: "treeitem", tabindex: -1, "aria-expanded": "false" }, row);
        item.makeChildren = () => childrenOf(node);
        return item;
      }
      list.append(...childrenOf(tree.root).children);
      if (list.firstElementChild) list.firstElementChild.tabIndex = 0;
      list.addEventListener("keydown", (event) => {
        const item = event.target.closest('[role="treeitem"]');
        if (!item) return;
        const all = visible(), at = all.indexOf(item), isOpen = item.getAttribute("aria-expanded");
        const parent = item.parentElement.closest('[role="treeitem"]');
        const actions = {
          ArrowDown: () => focus(all[at + 1]), ArrowUp: () => focus(all[at - 1]), Home: () => focus(all[0]), End: () => focus(all.at(-1)),
          ArrowRight: () => { if (isOpen === "false") setOpen(item, true); else if (isOpen === "true") focus(item.children[1].firstElementChild); },
          ArrowLeft: () => { if (isOpen === "true") setOpen(item, false); else focus(parent); },
          Enter: () => setOpen(item, isOpen !== "true"), " ": () => setOpen(item, isOpen !== "true"),
        };
        if (!actions[event.key]) return;
        event.preventDefault();
        actions[event.key]();
      });
      return list;
    }

    tools.runTabs(root, whole, this.shows, (panel, run) => {
      const tree = run.sid_tree;
      panel.append(el("p", {}, tree.shown_sids < tree.sids
        ? `${number(tree.shown_sids)} of ${number(tree.sids)} SIDs, evenly spaced; every node counts all items below it, and says what is left out.`
        : `All ${number(tree.sids)} SIDs.`, " Arrow keys walk through the tree: right opens, left closes."), treeOf(tree));
    }, (run) => run.sid_tree);
  },
});
