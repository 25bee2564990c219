/**
 * `<text-by-language>`: has a text follow the language that is chosen, as long as it is one of those
 * that are proposed. Words of the researcher's own are left alone.
 */
class TextByLanguage extends HTMLElement {
  connectedCallback() {
    this.#field("language").addEventListener("change", this)
  }

  disconnectedCallback() {
    this.#field("language").removeEventListener("change", this)
  }

  handleEvent() {
    const texts = /** @type {Record<string, string>} */ (JSON.parse(this.dataset.texts ?? "{}"))
    const text = this.#field("text")
    if (!Object.values(texts).includes(text.value.trim())) return
    text.value = texts[this.#field("language").value] ?? texts.en
  }

  /** @param {"language" | "text"} name */
  #field(name) {
    return /** @type {HTMLInputElement} */ (document.getElementById(this.dataset[name] ?? ""))
  }
}

customElements.define("text-by-language", TextByLanguage)
