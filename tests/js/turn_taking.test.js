import assert from "node:assert/strict"
import { beforeEach, describe, test } from "node:test"
import { TurnTaking } from "../../static/js/models/turn_taking.js"

const LOOK = 100
const SNRS = [20, 10, 5]

// As SoundLevel maps decibels to a level.
const levelOf = (power) => Math.min(1, Math.max(0, (10 * Math.log10(power + 1e-10) + 60) / 50))

/** Pseudo-random and the same in every run. */
function* chance(seed = 7) {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    yield state / 2_147_483_648
  }
}

let taking, now, phases, random, noise, voice
beforeEach(() => {
  taking = new TurnTaking()
  phases = []
  taking.addEventListener("changed", () => phases.push(taking.phase))
  now = 0
  random = chance()
  room({ snr: 20 })
})

/** Somebody speaks at −25 dB; the noise is so many decibels below that. */
function room({ snr, loudness = -25 }) {
  voice = 10 ** (loudness / 10)
  noise = 10 ** ((loudness - snr) / 10)
}

function look(power) {
  now += LOOK
  // What 21 ms of noise differ by.
  const jitter = 10 ** ((random.next().value - 0.5) * 0.2)
  taking.hear(levelOf(power * jitter), now)
}

function quiet(seconds) {
  for (let at = 0; at < seconds * 1_000; at += LOOK) look(noise)
}

/** Syllables rise and fall about the voice's mean. */
function speech(seconds) {
  for (let at = 0; at < seconds * 1_000; at += LOOK) {
    look(noise + voice * [0.5, 2.0, 1.6, 0.4, 1.5, 0.8][(at / LOOK) % 6])
  }
}

function asked() {
  taking.begin(now)
  quiet(1)
}

describe("hands-free", () => {
  for (const snr of SNRS) {
    for (const pause of [0.6, 1.2, 2, 4]) {
      test(`nobody is cut off in a pause of ${pause} s, with noise ${snr} dB below`, () => {
        room({ snr })
        asked()
        speech(3)
        quiet(pause)
        speech(2)
        assert.equal(taking.phase, "hearing")
        assert.ok(!phases.includes("over"))
        assert.equal(phases.includes("counting"), pause === 4)
      })
    }

    test(`an answer is over after the usual silence and a countdown, with noise ${snr} dB below`, () => {
      room({ snr })
      asked()
      speech(4)
      quiet(2)
      assert.equal(taking.phase, "hearing")
      quiet(1.2)
      assert.equal(taking.phase, "counting")
      assert.equal(taking.secondsLeft, 2)
      quiet(1)
      assert.equal(taking.secondsLeft, 1)
      quiet(1)
      assert.equal(taking.phase, "over")
    })
  }

  test("it learns how long somebody pauses, within bounds", () => {
    asked()
    speech(2)
    quiet(4)
    speech(2)
    assert.ok(taking.patience > 4_000, `${taking.patience}`)
    phases.length = 0
    quiet(4)
    speech(1)
    assert.deepEqual(phases, [])
    for (let again = 0; again < 12; again++) {
      quiet(taking.patience / 1_000 + 1.5)
      speech(1)
    }
    assert.equal(taking.patience, 6_000)
    for (let again = 0; again < 40; again++) {
      quiet(0.8)
      speech(1)
    }
    assert.equal(taking.patience, 1_500)
  })

  test("who says nothing is helped and never sent on", () => {
    asked()
    quiet(13)
    assert.equal(taking.advice, "")
    quiet(2)
    assert.equal(taking.advice, "nudge")
    quiet(30)
    assert.equal(taking.advice, "offer")
    quiet(120)
    assert.equal(taking.phase, "waiting")
    speech(1)
    assert.deepEqual([taking.phase, taking.advice], ["hearing", ""])
  })

  test("a cough or a door is no answer", () => {
    asked()
    look(voice * 3)
    look(noise)
    quiet(10)
    look(voice * 3)
    look(voice * 3)
    quiet(30)
    assert.equal(taking.phase, "waiting")
  })

  test("a door does not take the pause away", () => {
    asked()
    speech(3)
    quiet(2)
    look(voice)
    quiet(3.2)
    assert.equal(taking.phase, "over")
  })

  test("who is still thinking has twenty seconds, and more by talking", () => {
    asked()
    speech(2)
    quiet(3)
    assert.equal(taking.phase, "counting")
    taking.think()
    quiet(19)
    assert.equal(taking.phase, "thinking")
    speech(1)
    quiet(1)
    assert.equal(taking.phase, "hearing")
    taking.think()
    quiet(25.2)
    assert.equal(taking.phase, "over")
  })

  test("a fan that starts to hum is no speech for long", () => {
    asked()
    speech(3)
    noise *= 10
    quiet(8)
    assert.equal(taking.phase, "over")
  })

  test("the next question is waited for anew, with what was learned", () => {
    asked()
    speech(2)
    quiet(5.2)
    assert.equal(taking.phase, "over")
    speech(1)
    assert.equal(taking.phase, "over")
    const { patience } = taking
    asked()
    quiet(10)
    assert.equal(taking.phase, "waiting")
    assert.equal(taking.patience, patience)
    taking.stop()
    speech(3)
    assert.equal(taking.phase, "idle")
  })

  test("the moderator's own words are neither an answer nor a pause", () => {
    asked()
    speech(2)
    quiet(2)
    for (let at = 0; at < 5; at += 0.1) taking.pass((now += LOOK))
    quiet(2)
    assert.equal(taking.phase, "hearing")
  })

  test("time in which nobody listened counts for little", () => {
    asked()
    speech(2)
    now += 60_000
    quiet(1)
    assert.equal(taking.phase, "hearing")
  })
})
