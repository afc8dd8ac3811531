"use strict";
// The videos of one clip play, pause and are scrubbed together; one of them is heard.
for (const clip of document.querySelectorAll(".clip")) {
  const videos = [...clip.querySelectorAll("video")];
  if (!videos.length) continue;
  const bar = clip.querySelector(".bar");
  const [play, restart, slow] = bar.querySelectorAll("button");
  const scrub = bar.querySelector("input");
  const time = bar.querySelector("output");
  const heads = clip.querySelectorAll(".head");
  const hear = [...clip.querySelectorAll(".hear")];
  const ears = hear.map((button) => button.closest(".tile").querySelector("video"));
  let playing = false;

  const length = () => Math.max(0.04, ...videos.map((video) => video.duration || 0));
  const leader = () => videos.reduce((a, b) => ((b.duration || 0) > (a.duration || 0) ? b : a));
  const show = (now) => {
    scrub.max = length();
    scrub.value = now;
    time.textContent = now.toFixed(2) + " / " + length().toFixed(2) + " s";
    for (const head of heads) {
      const x = 100 * Math.min(1, now / length());
      head.setAttribute("x1", x);
      head.setAttribute("x2", x);
      head.style.visibility = "visible";
    }
  };
  const seek = (now) => {
    for (const video of videos) video.currentTime = Math.min(now, video.duration || 0);
    show(now);
  };
  const pause = () => {
    playing = false;
    play.textContent = "Play all";
    for (const video of videos) video.pause();
  };
  const tick = () => {
    if (!playing) return;
    const first = leader();
    for (const video of videos) {
      if (video !== first && !video.ended && Math.abs(video.currentTime - first.currentTime) > 0.06) {
        video.currentTime = first.currentTime;
      }
    }
    show(first.currentTime);
    if (first.ended) pause();
    else requestAnimationFrame(tick);
  };
  const start = () => {
    if (leader().currentTime > length() - 0.05) seek(0);
    playing = true;
    play.textContent = "Pause";
    for (const video of videos) video.play().catch(() => {});
    requestAnimationFrame(tick);
  };
  const listen = (chosen) => {
    for (const video of videos) video.muted = video !== chosen;
    hear.forEach((button, i) => button.setAttribute("aria-pressed", String(ears[i] === chosen)));
  };

  for (const video of videos) {
    video.controls = false;
    video.addEventListener("loadedmetadata", () => show(leader().currentTime));
    video.addEventListener("ended", () => { if (playing && video === leader()) { show(length()); pause(); } });
    video.addEventListener("click", () => (playing ? pause() : start()));
    video.addEventListener("error", () => {
      const note = document.createElement("p");
      note.className = "absent";
      note.textContent = "This browser cannot play this video.";
      video.replaceWith(note);
      videos.splice(videos.indexOf(video), 1);
    });
  }
  play.addEventListener("click", () => (playing ? pause() : start()));
  restart.addEventListener("click", () => { seek(0); start(); });
  slow.addEventListener("click", () => {
    const half = slow.getAttribute("aria-pressed") !== "true";
    slow.setAttribute("aria-pressed", String(half));
    for (const video of videos) video.playbackRate = half ? 0.5 : 1;
  });
  scrub.addEventListener("input", () => { pause(); seek(Number(scrub.value)); });
  hear.forEach((button, i) => {
    button.hidden = false;
    button.addEventListener("click", () => listen(ears[i]));
  });
  if (videos.some((video) => video.readyState)) show(0);
  listen(videos[0]);
  bar.hidden = false;
}
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
