// What the tests record.

export const bytes = (text) => new TextEncoder().encode(text).buffer
export const text = (data) => new TextDecoder().decode(data)

export const newPart = (key = "k1", more = {}) => ({
  key,
  interview: "i1",
  mimeType: "audio/webm;codecs=opus",
  camera: false,
  device: "desktop",
  startedAt: "2026-11-23T10:00:00.000Z",
  ...more,
})
