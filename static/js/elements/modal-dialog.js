/**
 * Opens the dialog that it holds as soon as it is there, and takes it away when it is closed.
 * The focus returns to where it was by id, since the list behind may have been swapped meanwhile.
 */
class ModalDialog extends HTMLElement {
  #opener = ""

  connectedCallback() {
    const dialog = this.querySelector("dialog")
    this.#opener = document.activeElement?.id ?? ""
    dialog?.addEventListener("close", () => this.remove())
    // Only the backdrop and the border are the dialog itself. Who drags out of a field to select its
    // text lets go there, and means something else.
    let isPressed = false
    dialog?.addEventListener("pointerdown", (event) => (isPressed = event.target === dialog))
    dialog?.addEventListener("click", (event) => {
      if (isPressed && event.target === dialog) dialog.close()
    })
    dialog?.showModal()
  }

  /** Closed, or given way to what came of it. */
  disconnectedCallback() {
    if (this.#opener) document.getElementById(this.#opener)?.focus()
  }
}

customElements.define("modal-dialog", ModalDialog)
