"use strict";
// Rows of identities appear as they are needed. Without this file the blank rows are simply all there.
document.addEventListener("DOMContentLoaded", () => {
    const rows = document.querySelector(".identity-rows");
    const blank = document.getElementById("identity-blank");
    const total = document.querySelector("[name=identities-TOTAL_FORMS]");
    const most = Number(document.querySelector("[name=identities-MAX_NUM_FORMS]").value);
    const add = document.getElementById("add-identity");

    const typed = (row) => [...row.querySelectorAll("input")];
    const inUse = (row) => typed(row).some((input) => input.value !== "") || row.querySelector(".errorlist") !== null;
    const shown = () => [...rows.querySelectorAll(".identity-row:not(.identity-head):not([hidden])")];

    function refresh() {
        const visible = shown();
        for (const row of visible) {
            row.querySelector(".remove").hidden = visible.length < 2;
        }
        add.hidden = Number(total.value) >= most && rows.querySelector(".identity-row[hidden]") === null;
    }

    function addRow() {
        let row = rows.querySelector(".identity-row[hidden]");
        if (row) {
            row.hidden = false;
        } else {
            const html = blank.innerHTML.replaceAll("__prefix__", total.value);
            rows.insertAdjacentHTML("beforeend", html);
            total.value = Number(total.value) + 1;
            row = rows.lastElementChild;
        }
        refresh();
        row.querySelector("select").focus();
    }

    // A removed row is emptied and hidden: a row without a value is no identity, and the numbering stays whole.
    function removeRow(row) {
        for (const input of typed(row)) {
            input.value = "";
        }
        row.querySelector("select").value = "";
        row.hidden = true;
        refresh();
    }

    for (const row of shown().slice(1)) {
        row.hidden = !inUse(row);
    }
    add.addEventListener("click", addRow);
    rows.addEventListener("click", (event) => {
        const button = event.target.closest(".remove");
        if (button) {
            removeRow(button.closest(".identity-row"));
        }
    });
    refresh();
});
