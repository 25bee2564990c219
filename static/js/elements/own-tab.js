import { Journal } from "../models/journal.js"

/**
 * Inside another site's page: offers a tab of its own, and asks for it where the interview would not
 * work here, because the browser keeps no cookie or that page lends no microphone. Where it works
 * and is only less safe, it says so.
 */
class OwnTab extends HTMLElement {
  async connectedCallback() {
    if (window.top === window.self) return
    this.hidden = false
    const reason = await whyNot()
    if (!reason) return
    this.dataset.reason = reason
    this.className = "notice notice--warn stack stack--tight own-tab"
    this.querySelector(".own-tab__link")?.classList.add("button", "button--primary", "button--large", "button--wide")
    for (const text of this.querySelectorAll("p")) text.hidden = text.dataset.reason !== reason
  }
}

/** @returns {Promise<"cookies" | "microphone" | "recordings" | null>} */
async function whyNot() {
  if (!keepsCookies()) return "cookies"
  // Only some browsers tell before they are asked for it.
  const policy = /** @type {{ featurePolicy?: { allowsFeature(name: string): boolean } }} */ (document).featurePolicy
  if (policy?.allowsFeature("microphone") === false) return "microphone"
  return (await keepsRecordings()) ? null : "recordings"
}

/** The server has tried to leave one with this very page. */
function keepsCookies() {
  try {
    return document.cookie.includes("qualz_kept=1")
  } catch {
    return false
  }
}

/** Whether what is recorded would wait here while the line is down, and outlive a reload. */
async function keepsRecordings() {
  try {
    return (await Journal.open()).isLasting
  } catch {
    return false
  }
}

customElements.define("own-tab", OwnTab)
