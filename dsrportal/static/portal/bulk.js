"use strict";
// Ticks in the list of cases: all of a page at once, a span with Shift, and a count. Without it each box works alone.
{
    document.addEventListener("DOMContentLoaded", () => {
        const bar = document.querySelector(".bulk-bar");
        const table = document.getElementById("result_list");
        if (!bar || !table) {
            return;
        }
        const boxes = [...table.querySelectorAll('input[name="case"]')];
        const everything = bar.querySelector('input[name="everything"]');
        const chosen = bar.querySelector(".bulk-chosen");
        const header = table.querySelector("th.column-tick .text");
        const page = document.createElement("input");
        page.type = "checkbox";
        page.setAttribute("aria-label", `${header.textContent.trim()}: ${boxes.length}`);
        header.append(page);
        let last = null;

        function show() {
            const count = boxes.filter((box) => box.checked).length;
            page.checked = count === boxes.length;
            page.indeterminate = count > 0 && count < boxes.length;
            const words = count ? chosen.dataset.some.replace("{n}", count) : chosen.dataset.none;
            chosen.textContent = everything.checked ? "" : words;
            for (const box of boxes) {
                box.disabled = everything.checked;
                box.closest("tr").classList.toggle("selected", box.checked || everything.checked);
            }
            page.disabled = everything.checked;
            for (const button of bar.querySelectorAll("button")) {
                button.disabled = !count && !everything.checked;
            }
        }

        table.addEventListener("click", (event) => {
            const box = boxes.indexOf(event.target);
            if (event.target === page) {
                for (const each of boxes) {
                    each.checked = page.checked;
                }
            } else if (box >= 0) {
                if (event.shiftKey && last !== null) {
                    for (const each of boxes.slice(Math.min(last, box), Math.max(last, box) + 1)) {
                        each.checked = event.target.checked;
                    }
                }
                last = box;
            } else {
                return;
            }
            show();
        });
        everything.addEventListener("change", show);
        // The browser may bring ticks back that were there before.
        window.addEventListener("pageshow", show);
    });
}
