"use strict";
// Everything here is a comfort: each page also works without it.
{
    const root = document.documentElement;

    // Before the first paint, so that the page does not jump.
    if (localStorage.getItem("sidebar") === "rail") {
        root.dataset.sidebar = "rail";
    }

    function toggleSidebar() {
        const rail = root.dataset.sidebar === "rail";
        root.dataset.sidebar = rail ? "full" : "rail";
        localStorage.setItem("sidebar", root.dataset.sidebar);
    }

    function closeMenus(except) {
        for (const menu of document.querySelectorAll("details.menu-box[open], details.me[open]")) {
            if (menu !== except) {
                menu.open = false;
            }
        }
    }

    async function copy(button) {
        await navigator.clipboard.writeText(button.dataset.copy);
        const before = button.title;
        button.title = button.dataset.copied;
        button.classList.add("copied");
        setTimeout(() => {
            button.title = before;
            button.classList.remove("copied");
        }, 1500);
    }

    document.addEventListener("click", (event) => {
        closeMenus(event.target.closest("details.menu-box, details.me"));
        const button = event.target.closest("[data-copy], .toggle-sidebar");
        if (button?.dataset.copy) {
            copy(button);
        } else if (button) {
            toggleSidebar();
        }
    });

    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape") {
            const open = document.querySelector("details.menu-box[open], details.me[open]");
            closeMenus(null);
            open?.querySelector("summary").focus();
        }
        const typing = event.target.closest("input, select, textarea, [contenteditable]");
        if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
            const search = document.querySelector(".search input[type=search]");
            if (search) {
                event.preventDefault();
                search.focus();
            }
        }
    });
}
