/**
 * How many seconds after its turn began a word is heard: the one at that character of the text, or
 * the last before it.
 *
 * @param {string} times as `times_of` of qualz/timing.py writes them: `0:0.0 5:0.4`
 * @param {number} place characters as the server counts them
 */
export function secondsAt(times, place) {
  let seconds = 0
  for (const word of times.split(" ")) {
    const [start, begins] = word.split(":").map(Number)
    if (start > place) break
    seconds = begins
  }
  return seconds
}
