import assert from "node:assert/strict"
import { beforeEach, describe, test } from "node:test"
import { MixingDesk } from "../../static/js/models/mixing_desk.js"
import { Speaking } from "../../static/js/models/speaking.js"
import { BrowserVoice, pieces, ServerVoice } from "../../static/js/models/voices.js"
import { HandClock, settled } from "./support/clocks.js"
import { browserVoice, contexts } from "./support/sound.js"

const WORDS = { text: "How was it for you?", language: "en", url: "/speech" }

let clock, level, happened, isWanted
beforeEach((context) => {
  context.mock.method(console, "warn", () => undefined)
  clock = new HandClock()
  level = 0
  isWanted = true
  happened = []
})

function speaker(...voices) {
  const speaking = new Speaking({ voices, level: () => level, isWanted: () => isWanted, clock })
  for (const name of ["began", "ended", "silent"]) {
    speaking.addEventListener(name, ({ detail }) => happened.push(typeof detail === "string" ? detail : name))
  }
  return speaking
}

/** A voice that begins at once and ends when it is told to, or is stopped. */
function longVoice() {
  const voice = { said: 0, ends: () => undefined }
  voice.say = (_words, { began, signal }) => {
    voice.said += 1
    began()
    return new Promise((resolve) => {
      voice.ends = resolve
      signal.addEventListener("abort", resolve)
    })
  }
  return voice
}

const hoarse = { say: () => Promise.reject(new Error("hoarse")) }

function own(does) {
  const made = browserVoice(does)
  return { voice: new BrowserVoice({ ...made, clock }), ...made }
}

describe("the moderator", () => {
  test("speaks by the first voice that can", async () => {
    const voice = longVoice()
    const speaking = speaker(hoarse, voice, longVoice())
    const done = speaking.say(WORDS)
    await settled()
    assert.equal(speaking.isSpeaking, true)
    voice.ends()
    await done
    assert.deepEqual(happened, ["began", "said"])
    assert.equal(speaking.isSpeaking, false)
  })

  test("is silent where no voice can, and where none is wanted, and says it again when one is", async () => {
    await speaker(hoarse).say(WORDS)
    isWanted = false
    const voice = longVoice()
    const speaking = speaker(voice)
    await speaking.say(WORDS)
    assert.deepEqual(happened, ["silent", "silent"])
    isWanted = true
    speaking.again()
    await settled()
    assert.equal(voice.said, 1)
    speaking.stop("muted")
    assert.deepEqual(happened, ["silent", "silent", "began", "muted"])
  })

  test("says one thing at a time", async () => {
    const speaking = speaker(longVoice())
    speaking.say(WORDS)
    await settled()
    speaking.say(WORDS)
    await settled()
    speaking.stop("answered")
    speaking.stop("answered")
    assert.deepEqual(happened, ["began", "stopped", "began", "answered"])
  })

  test("stops when the participant speaks for half a second", async () => {
    const speaking = speaker(longVoice())
    speaking.say(WORDS)
    await clock.pass(1_500)
    level = 0.6
    await clock.pass(400)
    assert.equal(speaking.isSpeaking, true)
    await clock.pass(200)
    assert.deepEqual(happened, ["began", "interrupted"])
  })

  test("does not stop for a cough, for its own echo, or for what is heard in its first second", async () => {
    const speaking = speaker(longVoice())
    speaking.say(WORDS)
    level = 0.5
    await clock.pass(4_000)
    level = 0
    await clock.pass(1_000)
    for (let cough = 0; cough < 5; cough++) {
      level = 0.9
      await clock.pass(300)
      level = 0
      await clock.pass(400)
    }
    assert.equal(speaking.isSpeaking, true)
    level = 0.7
    await clock.pass(600)
    assert.equal(speaking.isSpeaking, false)
  })

  test("does not begin any more once it was stopped", async () => {
    let begin
    const late = {
      say: (_words, { began }) =>
        new Promise((_resolve, reject) => {
          begin = () => {
            began()
            reject(new Error("too late"))
          }
        }),
    }
    const second = longVoice()
    const speaking = speaker(late, second)
    speaking.say(WORDS)
    await settled()
    speaking.stop("answered")
    begin()
    await settled()
    assert.deepEqual(happened, [])
    assert.equal(second.said, 0)
  })
})

describe("the browser's voice", () => {
  test("says a long text in pieces, each to its end", async () => {
    const { voice, synthesis } = own((utterance) => utterance.tells("start", "end"))
    const text = `${"One sentence of some length. ".repeat(12)}${"and so on ".repeat(30)}`.trim()
    await speaker(voice).say({ ...WORDS, text })
    assert.ok(synthesis.said.length > 3)
    assert.ok(synthesis.said.every((one) => one.text.length <= 200))
    assert.equal(synthesis.said.map((one) => one.text).join(" "), text)
    assert.deepEqual(happened, ["began", "said"])
    assert.deepEqual(pieces("Short. Two."), ["Short. Two."])
  })

  test("is given up when it does not begin within 1.5 s", async () => {
    const { voice, synthesis } = own(() => undefined)
    const done = speaker(voice).say(WORDS)
    await clock.pass(1_400)
    assert.deepEqual(happened, [])
    await clock.pass(200)
    await done
    assert.deepEqual(happened, ["silent"])
    // What it may still begin is taken back.
    assert.equal(synthesis.cancelled, 2)
  })

  test("is given up when it says that it failed", async () => {
    const { voice } = own((utterance) => utterance.tells("error"))
    await speaker(voice).say(WORDS)
    assert.deepEqual(happened, ["silent"])
  })

  test("is over when it never says that it ended, after 0.4 s a word and 4 s", async () => {
    const { voice } = own((utterance) => utterance.tells("start"))
    const done = speaker(voice).say(WORDS)
    await clock.pass(1_500 + 5 * 400 + 3_900)
    assert.deepEqual(happened, ["began"])
    await clock.pass(200)
    await done
    assert.deepEqual(happened, ["began", "said"])
  })

  test("falls silent when it is stopped", async () => {
    const { voice, synthesis } = own((utterance) => utterance.tells("start"))
    const speaking = speaker(voice)
    speaking.say(WORDS)
    await settled()
    const before = synthesis.cancelled
    speaking.stop("answered")
    assert.ok(synthesis.cancelled > before)
  })

  test("is gone without where the browser has none", async () => {
    await speaker(new BrowserVoice({ synthesis: undefined, clock })).say(WORDS)
    assert.deepEqual(happened, ["silent"])
  })
})

describe("the server's voice", () => {
  const bytes = (text) => new TextEncoder().encode(text).buffer

  test("sounds, and goes into the mix", async () => {
    const Context = contexts()
    const desk = new MixingDesk({ Context, clock })
    const speaking = speaker(new ServerVoice(desk, async () => bytes("sound")))
    const done = speaking.say(WORDS)
    await settled()
    const [source] = Context.last.sources
    assert.equal(source.isPlaying, true)
    assert.deepEqual([...source.to], [Context.last.destination, Context.last.voice])
    source.dispatchEvent(new Event("ended"))
    await done
    assert.deepEqual(happened, ["began", "said"])
  })

  test("stops at once", async () => {
    const Context = contexts()
    const speaking = speaker(new ServerVoice(new MixingDesk({ Context, clock }), async () => bytes("sound")))
    speaking.say(WORDS)
    await settled()
    speaking.stop("answered")
    await settled()
    assert.equal(Context.last.sources[0].isPlaying, false)
  })

  test("is asked for another form when the browser can't play it, and for that at once from then on", async () => {
    const asked = []
    const get = async (_url, accepts) => {
      asked.push(accepts)
      return bytes(accepts.includes("ogg") ? "?" : "plain")
    }
    const speaking = speaker(new ServerVoice(new MixingDesk({ Context: contexts(), clock }), get))
    for (let turn = 0; turn < 2; turn++) {
      speaking.say(WORDS)
      await settled()
      speaking.stop()
    }
    assert.deepEqual(asked, ["audio/ogg, audio/wav;q=0.5", "audio/wav", "audio/wav"])
    assert.deepEqual(happened, ["began", "stopped", "began", "stopped"])
  })

  for (const [what, get, Context] of [
    ["the server has none", async () => null, contexts()],
    ["the network fails", () => Promise.reject(new TypeError("offline")), contexts()],
    ["nothing may sound yet", async () => bytes("sound"), contexts({ state: "suspended", mayWake: false })],
    ["the browser mixes no sound", async () => bytes("sound"), undefined],
  ]) {
    test(`leaves it to the browser's when ${what}`, async () => {
      const { voice, synthesis } = own((utterance) => utterance.tells("start", "end"))
      const done = speaker(new ServerVoice(new MixingDesk({ Context, clock }), get), voice).say(WORDS)
      await clock.pass(1_000)
      await done
      assert.equal(synthesis.said.length, 1)
      assert.deepEqual(happened, ["began", "said"])
    })
  }
})
