/**
 * What is to be shown: `idle` while nobody is listened to, `waiting` for a first word, `hearing`,
 * `counting` down to the end of the answer, `thinking` when they asked for time, `over`.
 * @typedef {"idle" | "waiting" | "hearing" | "counting" | "thinking" | "over"} Phase
 *
 * What helps somebody who has not said anything yet.
 * @typedef {"" | "nudge" | "offer"} Advice
 */

// Levels go from 0 to 1 over 50 dB, so this is 4.5 dB above the room's noise.
const ABOVE_NOISE = 0.09
const FAINTEST = 0.12
// A fan hums evenly for as long; nobody speaks so.
const EVEN_FOR = 2_000
const EVEN_WITHIN = 0.07
// Noise that swells slowly is followed, in levels a second.
const SWELLS = 0.003
const SMOOTHED_OVER = 80
// A door is no word, and a cough no answer.
const WORD = 250
const ANSWER = 350
// Between syllables it is quiet too: a run of loud moments is lost half as fast as it is gained.
const LONGEST_RUN = 450
// Timers come late, or hardly ever where the page is hidden: what was not heard counts for little.
const LONGEST_LOOK = 250

const SHORTEST_PATIENCE = 1_500
const USUAL_PATIENCE = 2_500
const LONGEST_PATIENCE = 6_000
// A pause within a sentence says nothing about how long somebody thinks.
const A_PAUSE = 500
// Patience is so many times as long as the pauses that somebody makes on the average.
const TIMES_THEIR_PAUSE = 1.6
const LEARNS = 0.3
// They had to talk against the countdown: that must not happen again soon.
const LEARNS_FAST = 0.5
const COUNTDOWN = 2_000
const TIME_TO_THINK = 20_000
const NUDGE_AFTER = 15_000
const OFFER_AFTER = 45_000

/**
 * Hears when an answer is over, by how loud the participant is. It learns how long this person
 * pauses and how loud the room is, counts down before it decides, and never decides for somebody
 * who has said nothing.
 *
 * Event: `changed` when phase, advice or the whole seconds left did.
 */
export class TurnTaking extends EventTarget {
  /** @type {Phase} */
  phase = "idle"
  /** @type {Advice} */
  advice = ""
  #pause = USUAL_PATIENCE / TIMES_THEIR_PAUSE
  #floor = 1
  #smoothed = 0
  /** @type {{ at: number, level: number }[]} */
  #lately = []
  #heardAt = 0
  #run = 0
  #spoken = 0
  #silence = 0
  #thinkingFor = 0
  #waited = 0

  /** How long a silence is before the countdown, in milliseconds. */
  get patience() {
    return Math.min(LONGEST_PATIENCE, Math.max(SHORTEST_PATIENCE, this.#pause * TIMES_THEIR_PAUSE))
  }

  /** Whole seconds of the countdown. */
  get secondsLeft() {
    return Math.max(0, Math.ceil((this.patience + COUNTDOWN - this.#silence) / 1_000))
  }

  /**
   * Another question stands. What was learned of the person and the room stays.
   *
   * @param {number} now milliseconds
   */
  begin(now) {
    this.#run = this.#spoken = this.#silence = this.#thinkingFor = this.#waited = 0
    this.#heardAt = now
    this.#show("waiting", "")
  }

  stop() {
    this.#show("idle", "")
  }

  /**
   * Somebody else is heard, such as the moderator: that is neither speech nor silence.
   *
   * @param {number} now
   */
  pass(now) {
    this.#heardAt = now
    this.#silence = this.#run = 0
    if (this.phase === "counting") this.#show("hearing", "")
  }

  /** They ask for time. */
  think() {
    if (this.phase === "idle" || this.phase === "over") return
    this.#silence = this.#waited = 0
    this.#thinkingFor = TIME_TO_THINK
    this.#show("thinking", "")
  }

  /**
   * @param {number} level from 0 to 1, as ears hear it
   * @param {number} now milliseconds, of any clock
   */
  hear(level, now) {
    if (this.phase === "idle" || this.phase === "over") return
    const passed = Math.min(Math.max(0, now - this.#heardAt), LONGEST_LOOK)
    this.#heardAt = now
    this.#follow(level, now, passed)
    const isLoud = this.#smoothed > Math.max(FAINTEST, this.#floor + ABOVE_NOISE)
    const gained = isLoud ? passed : -passed / 2
    this.#run = Math.min(LONGEST_RUN, Math.max(0, this.#run + gained))
    if (isLoud && this.#run >= WORD) this.#speak(passed)
    else this.#keepSilent(passed)
  }

  /**
   * The room's noise is the quietest that was heard; what is even for a while is noise too.
   *
   * @param {number} level
   * @param {number} now
   * @param {number} passed
   */
  #follow(level, now, passed) {
    const share = 1 - Math.exp(-passed / SMOOTHED_OVER)
    this.#smoothed = this.#lately.length === 0 ? level : this.#smoothed + share * (level - this.#smoothed)
    this.#lately.push({ at: now, level: this.#smoothed })
    while (now - this.#lately[0].at > EVEN_FOR) this.#lately.shift()
    const levels = this.#lately.map((one) => one.level)
    const [least, most] = [Math.min(...levels), Math.max(...levels)]
    const isEven = most - least < EVEN_WITHIN && now - this.#lately[0].at > EVEN_FOR * 0.8
    this.#floor = isEven ? most : Math.min(this.#floor + (SWELLS * passed) / 1_000, this.#smoothed)
  }

  /** @param {number} passed */
  #speak(passed) {
    const pause = this.#silence - this.#run
    if (this.#spoken >= ANSWER && pause >= A_PAUSE && this.phase !== "thinking") this.#learn(pause)
    this.#silence = 0
    this.#thinkingFor = 0
    // The first sound of a run is only now known to be speech.
    this.#spoken += this.#run - passed < WORD ? this.#run : passed
    if (this.#spoken >= ANSWER) this.#show("hearing", "")
    else if (this.phase !== "hearing") this.#show("waiting", this.advice)
  }

  /** @param {number} pause */
  #learn(pause) {
    const wasCounted = this.phase === "counting"
    const likely = Math.min(pause, LONGEST_PATIENCE)
    this.#pause += (wasCounted ? LEARNS_FAST : LEARNS) * (likely - this.#pause)
  }

  /** @param {number} passed */
  #keepSilent(passed) {
    if (this.#thinkingFor > 0) {
      this.#thinkingFor -= passed
      return
    }
    this.#silence += passed
    if (this.#spoken < ANSWER) {
      this.#waited += passed
      this.#show("waiting", this.#waited >= OFFER_AFTER ? "offer" : this.#waited >= NUDGE_AFTER ? "nudge" : "")
      return
    }
    if (this.#silence >= this.patience + COUNTDOWN) this.#show("over", "")
    else if (this.#silence >= this.patience) this.#show("counting", "")
    else if (this.phase === "thinking") this.#show("hearing", "")
  }

  #shown = ""

  /**
   * @param {Phase} phase
   * @param {Advice} advice
   */
  #show(phase, advice) {
    this.phase = phase
    this.advice = advice
    const shown = [phase, advice, phase === "counting" ? this.secondsLeft : ""].join()
    if (shown === this.#shown) return
    this.#shown = shown
    this.dispatchEvent(new Event("changed"))
  }
}
