"use strict";
// A part of a page that is fetched anew while something goes on in the background: `data-live` is its address, whose
// answer is what the part holds. Once the answer carries `data-finished`, the page is loaded again, whole.
// Without JavaScript the page is as it was when it was opened, and is loaded again by hand.
{
    const SECONDS = 2;

    async function refresh(part) {
        if (!document.hidden) {
            try {
                const answer = await fetch(part.dataset.live, { credentials: "same-origin" });
                if (answer.ok && !answer.redirected) {
                    part.innerHTML = await answer.text();
                    if (part.querySelector("[data-finished]")) {
                        window.location.reload();
                        return;
                    }
                }
            } catch {
                // The server is away for a moment: asked again below.
            }
        }
        setTimeout(() => refresh(part), SECONDS * 1000);
    }

    document.addEventListener("DOMContentLoaded", () => {
        for (const part of document.querySelectorAll("[data-live]")) {
            setTimeout(() => refresh(part), SECONDS * 1000);
        }
    });
}
