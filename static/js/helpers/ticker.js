// A worker that says when time is up: its timers run on while its page is hidden.
addEventListener("message", ({ data: { id, ms } }) => {
  setTimeout(() => postMessage(id), ms)
})
