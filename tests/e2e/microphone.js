// A microphone that hears what a test has said into it, when it is said, in a room that is almost
// quiet: a device that gives nothing at all is taken for broken.
;(() => {
  // An empty page, such as a new browser begins with, has none to take the place of.
  if (!navigator.mediaDevices) return
  const LEAST_NOISE = 0.0003
  const BREATH = 0.15
  const microphone = (window.microphone = { quiet: 0, ears: [] })
  let context = null

  function open() {
    context ??= new AudioContext()
    context.resume()
    const ear = context.createMediaStreamDestination()
    const room = context.createBuffer(1, context.sampleRate, context.sampleRate)
    const samples = room.getChannelData(0)
    for (let at = 0; at < samples.length; at += 1) samples[at] = (Math.random() * 2 - 1) * LEAST_NOISE
    const noise = new AudioBufferSourceNode(context, { buffer: room, loop: true })
    noise.connect(ear)
    noise.start()
    microphone.ears.push(ear)
    return ear.stream
  }

  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
  navigator.mediaDevices.getUserMedia = (wanted) => (wanted.audio ? Promise.resolve(open()) : ask(wanted))

  // How often the moderator fell silent on this page, whether it was heard or not.
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const isRoom = target.localName === "interview-room"
      if (isRoom && ["ended", "silent"].includes(target.dataset.voice)) microphone.quiet += 1
    }
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-voice"] })

  /** Say a WAV file, in base64, as soon as the moderator fell silent so often. Resolves when it is said. */
  microphone.says = async (wav, { times }) => {
    const bytes = Uint8Array.from(atob(wav), (sign) => sign.charCodeAt(0))
    const buffer = await context.decodeAudioData(bytes.buffer)
    await microphone.isQuiet(times)
    const source = new AudioBufferSourceNode(context, { buffer })
    for (const ear of microphone.ears) source.connect(ear)
    // A breath, so that it can be told in the recording where one ends and the other begins.
    source.start(context.currentTime + BREATH)
    await new Promise((resolve) => source.addEventListener("ended", resolve))
  }

  /** Resolves as soon as it is being said. */
  microphone.begins = async (wav, { times }) => {
    await microphone.isQuiet(times)
    void microphone.says(wav, { times })
  }

  microphone.isQuiet = async (times) => {
    while (microphone.quiet < times) await new Promise((resolve) => setTimeout(resolve, 5))
  }
})()
