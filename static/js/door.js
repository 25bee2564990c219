// The pages that links lead to.
import "./elements/left-over.js"
import "./elements/own-tab.js"
