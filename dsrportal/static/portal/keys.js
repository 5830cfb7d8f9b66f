"use strict";
// Keys for whoever works a list all day: over its rows, from case to case, and a dialog that says which there are.
// Each does what a link does; without this file the links are there all the same.
{
    const ROWS = "#result_list tbody :is(th a, a.row-title)";

    function move(step) {
        const links = [...document.querySelectorAll(ROWS)];
        const at = links.indexOf(document.activeElement);
        const to = at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step;
        links[to]?.focus();
        links[to]?.scrollIntoView({ block: "nearest" });
        return links.length > 0;
    }

    function follow(rel) {
        const link = document.querySelector(`.neighbours a[rel="${rel}"]`);
        link?.click();
        return link !== null;
    }

    function show() {
        const dialog = document.getElementById("keys");
        dialog?.showModal();
        return Boolean(dialog);
    }

    const KEYS = {
        j: () => move(1),
        k: () => move(-1),
        n: () => follow("next"),
        p: () => follow("prev"),
        "?": show,
    };
    // These scroll the page, unless a row has the focus already.
    const ARROWS = { ArrowDown: () => move(1), ArrowUp: () => move(-1) };

    document.addEventListener("keydown", (event) => {
        const typing = event.target.closest("input, select, textarea, [contenteditable], dialog");
        if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) {
            return;
        }
        const does = KEYS[event.key] ?? (event.target.matches(ROWS) ? ARROWS[event.key] : undefined);
        if (does?.()) {
            event.preventDefault();
        }
    });

    document.addEventListener("DOMContentLoaded", () => {
        for (const item of document.querySelectorAll(".opens-keys")) {
            item.hidden = false;
            item.addEventListener("click", show);
        }
    });
}
