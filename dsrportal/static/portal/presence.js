"use strict";
// Who else has this case open: asked while the page is looked at, and shown in one quiet line.
// Without JavaScript the line is as it was when the page was opened.
{
    const SECONDS = 20;

    async function say(part) {
        if (document.hidden) {
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
                if (line !== part.innerHTML.trim()) {
                    part.innerHTML = line;
                }
            }
        } catch {
            // The server is away for a moment: said again in a while.
        }
    }

    document.addEventListener("DOMContentLoaded", () => {
        for (const part of document.querySelectorAll("[data-presence]")) {
            setInterval(() => say(part), SECONDS * 1000);
            document.addEventListener("visibilitychange", () => say(part));
        }
    });
}
