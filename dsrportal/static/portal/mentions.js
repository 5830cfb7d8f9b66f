"use strict";
// After an @ in a note: the colleagues whose name goes on so, to choose from. They are asked for once, at the first @.
// Without this file a name is typed, and the note says afterwards whether it was somebody's.
{
    const MOST = 6;
    // As names are found in a note: none begins inside an e-mail address.
    const BEGUN = /(?:^|[^\w@.+-])@([\w.@+-]*)$/u;
    let everybody = null;

    function asked(address) {
        everybody ??= fetch(address, { credentials: "same-origin" })
            .then((answer) => (answer.ok && !answer.redirected ? answer.json() : { people: [] }))
            .then((said) => said.people)
            .catch(() => []);
        return everybody;
    }

    function help(part) {
        const text = part.querySelector("textarea");
        const list = document.createElement("ul");
        list.id = `${text.id}-people`;
        list.className = "menu start people";
        list.hidden = true;
        list.setAttribute("role", "listbox");
        list.setAttribute("aria-label", part.dataset.label);
        part.append(list);
        text.setAttribute("aria-autocomplete", "list");
        text.setAttribute("aria-controls", list.id);

        const begun = () => BEGUN.exec(text.value.slice(0, text.selectionStart))?.[1];
        const chosen = () => list.querySelector("[aria-selected=true]");

        function close() {
            list.hidden = true;
            text.removeAttribute("aria-activedescendant");
        }

        function point(option) {
            chosen()?.setAttribute("aria-selected", "false");
            option.setAttribute("aria-selected", "true");
            text.setAttribute("aria-activedescendant", option.id);
        }

        function take(option) {
            const at = text.selectionStart;
            text.setRangeText(`${option.textContent} `, at - begun().length, at, "end");
            close();
        }

        async function offer() {
            if (begun() === undefined) {
                close();
                return;
            }
            const people = await asked(part.dataset.people);
            // Read again: more may have been typed while the answer was on its way.
            const start = begun()?.toLowerCase();
            const found = start === undefined ? [] : people.filter((name) => name.toLowerCase().startsWith(start));
            if (!found.length || (found.length === 1 && found[0].toLowerCase() === start)) {
                close();
                return;
            }
            list.replaceChildren(...found.slice(0, MOST).map((name, place) => {
                const option = document.createElement("li");
                option.id = `${list.id}-${place}`;
                option.className = "item";
                option.setAttribute("role", "option");
                option.setAttribute("aria-selected", "false");
                option.textContent = name;
                return option;
            }));
            list.hidden = false;
            point(list.firstElementChild);
        }

        const KEYS = {
            ArrowDown: () => point(chosen().nextElementSibling ?? list.firstElementChild),
            ArrowUp: () => point(chosen().previousElementSibling ?? list.lastElementChild),
            Enter: () => take(chosen()),
            Tab: () => take(chosen()),
            Escape: close,
        };
        text.addEventListener("input", offer);
        text.addEventListener("blur", close);
        text.addEventListener("keydown", (event) => {
            const act = list.hidden || event.isComposing || event.shiftKey ? undefined : KEYS[event.key];
            if (act) {
                event.preventDefault();
                event.stopPropagation();
                act();
            }
        });
        // Before the text loses the focus.
        list.addEventListener("pointerdown", (event) => {
            event.preventDefault();
            if (event.target.role === "option") {
                take(event.target);
            }
        });
    }

    document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-people]").forEach(help));
}
