"use strict";
// Who else has this case open: asked while somebody is at the page, and shown in one quiet line.
// Without JavaScript the line is as it was when the page was opened.
{
    const SECONDS = 20;
    // A page that nobody touches for so long is left alone: it neither claims that somebody is there nor keeps their
    // session alive.
    const IDLE_SECONDS = 5 * 60;
    let touchedAt = Date.now();

    async function say(part) {
        if (document.hidden || Date.now() - touchedAt > IDLE_SECONDS * 1000) {
            return;
        }
        try {
            const answer = await fetch(part.dataset.presence, {
                method: "POST",
                credentials: "same-origin",
                headers: { "X-CSRFToken": part.dataset.token },
            });
            if (answer.ok && !answer.redirected) {
                const line = (await answer.text()).trim();
                // A screen reader hears of what is new, not of the same every 20 seconds.
                if (line !== part.dataset.line) {
                    part.dataset.line = line;
                    part.innerHTML = line;
                }
            }
        } catch {
            // The server is away for a moment: said again in a while.
        }
    }

    document.addEventListener("DOMContentLoaded", () => {
        for (const event of ["pointermove", "pointerdown", "keydown", "scroll"]) {
            document.addEventListener(event, () => { touchedAt = Date.now(); }, { passive: true });
        }
        for (const part of document.querySelectorAll("[data-presence]")) {
            setInterval(() => say(part), SECONDS * 1000);
            document.addEventListener("visibilitychange", () => say(part));
        }
    });
}
