"use strict";
// The videos of one clip play, pause, step and are scrubbed together, frame by frame; one of them is heard.
for (const clip of document.querySelectorAll(".clip")) {
  const videos = [...clip.querySelectorAll("video")];
  if (!videos.length) continue;
  const bar = clip.querySelector(".bar");
  const [play, restart, back, on, slow] = bar.querySelectorAll("button");
  const scrub = bar.querySelector("input");
  const time = bar.querySelector("output");
  const fps = Number(bar.dataset.fps);
  const heads = clip.querySelectorAll(".head");
  const hear = [...clip.querySelectorAll(".hear")];
  const ears = hear.map((button) => button.closest(".tile").querySelector("video"));
  let playing = false;
  let fresh = true; // nobody has touched it: it stands at the frame that is worth a look
  let rate = 1;

  const leader = () => videos.reduce((a, b) => ((b.duration || 0) > (a.duration || 0) ? b : a));
  const frames = () => Math.max(1, ...videos.map((video) => Math.round((video.duration || 0) * fps)));
  const frame = () => Math.min(frames() - 1, Math.floor(leader().currentTime * fps + 1e-3));
  const show = (now) => {
    scrub.max = frames() - 1;
    scrub.value = now;
    scrub.setAttribute("aria-valuetext", "frame " + now + ", " + (now / fps).toFixed(2) + " seconds");
    time.textContent = (now / fps).toFixed(2) + " s, frame " + now + " / " + (frames() - 1);
    for (const head of heads) {
      const x = 100 * (now + 0.5) / frames();
      head.setAttribute("x1", x);
      head.setAttribute("x2", x);
      head.style.visibility = "visible";
    }
  };
  const seek = (wanted) => {
    fresh = false;
    const now = Math.max(0, Math.min(frames() - 1, wanted));
    for (const video of videos) video.currentTime = Math.min((now + 0.5) / fps, video.duration || 0);
    show(now);
  };
  const present = () => {
    if (!fresh) return show(frame());
    seek(Number(bar.dataset.shown));
    fresh = true;
  };
  const pause = () => {
    playing = false;
    play.textContent = "Play all";
    for (const video of videos) video.pause();
  };
  const step = (by) => {
    const from = playing ? frame() : Number(scrub.value);
    pause();
    seek(from + by);
  };
  const tick = () => {
    if (!playing) return;
    const first = leader();
    for (const video of videos) {
      const behind = first.currentTime - video.currentTime;
      if (video === first || video.ended) continue;
      if (Math.abs(behind) > 0.25) video.currentTime = first.currentTime;
      else video.playbackRate = rate * (1 + 2 * behind);
    }
    show(frame());
    if (first.ended) pause();
    else requestAnimationFrame(tick);
  };
  const start = () => {
    if (fresh || frame() >= frames() - 1) seek(0);
    playing = true;
    play.textContent = "Pause";
    for (const video of videos) video.play().catch(() => {});
    requestAnimationFrame(tick);
  };
  const toggle = () => (playing ? pause() : start());
  const listen = (chosen) => {
    for (const video of videos) video.muted = video !== chosen;
    hear.forEach((button, i) => button.setAttribute("aria-pressed", String(ears[i] === chosen)));
  };

  for (const video of videos) {
    video.controls = false;
    video.addEventListener("loadedmetadata", present);
    video.addEventListener("click", toggle);
    video.addEventListener("error", () => {
      const note = document.createElement("p");
      note.className = "absent";
      note.textContent = "This browser cannot play this video.";
      video.replaceWith(note);
      videos.splice(videos.indexOf(video), 1);
      if (!videos.length) bar.hidden = true;
    });
  }
  play.addEventListener("click", toggle);
  restart.addEventListener("click", () => { seek(0); start(); });
  back.addEventListener("click", () => step(-1));
  on.addEventListener("click", () => step(1));
  slow.addEventListener("click", () => {
    rate = rate === 1 ? 0.5 : 1;
    slow.setAttribute("aria-pressed", String(rate !== 1));
    for (const video of videos) video.playbackRate = rate;
  });
  scrub.addEventListener("input", () => { pause(); seek(Number(scrub.value)); });
  clip.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.target === scrub || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    step(event.shiftKey ? by * Math.round(fps) : by);
  });
  hear.forEach((button, i) => {
    button.hidden = false;
    button.addEventListener("click", () => listen(ears[i]));
  });
  if (videos.some((video) => video.readyState)) present();
  listen(videos[0]);
  bar.hidden = false;
}
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
