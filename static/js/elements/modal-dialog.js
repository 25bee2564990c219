/**
 * Opens the dialog that it holds as soon as it is there, and takes it away when it is closed.
 * The focus returns to where it was by id, since the list behind may have been swapped meanwhile.
 */
class ModalDialog extends HTMLElement {
  connectedCallback() {
    const dialog = this.querySelector("dialog")
    const opener = document.activeElement?.id
    dialog?.addEventListener("close", () => {
      this.remove()
      if (opener) document.getElementById(opener)?.focus()
    })
    dialog?.addEventListener("click", (event) => {
      // Only the backdrop and the border are the dialog itself.
      if (event.target === dialog) dialog.close()
    })
    dialog?.showModal()
  }
}

customElements.define("modal-dialog", ModalDialog)
