/**
 * `<camera-switch>`: a switch that asks for the camera to be on or off. Whoever listens to its
 * `camera-wanted` event does it and then sets `isOn` to what came of it.
 */
export class CameraSwitch extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this)
  }

  disconnectedCallback() {
    this.removeEventListener("click", this)
  }

  handleEvent() {
    if (this.isBusy) return
    this.dispatchEvent(new CustomEvent("camera-wanted", { detail: !this.isOn, bubbles: true }))
  }

  get isOn() {
    return this.#button?.getAttribute("aria-checked") === "true"
  }

  set isOn(on) {
    this.#button?.setAttribute("aria-checked", String(on))
  }

  get isBusy() {
    return this.#button?.getAttribute("aria-disabled") === "true"
  }

  set isBusy(busy) {
    this.#button?.setAttribute("aria-disabled", String(busy))
  }

  get #button() {
    return this.querySelector('[role="switch"]')
  }
}

customElements.define("camera-switch", CameraSwitch)
