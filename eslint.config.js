import js from "@eslint/js"
import globals from "globals"

export default [
  { ignores: ["node_modules/", "static/vendor/", ".venv/", "var/"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      curly: ["error", "multi-line"],
      "default-case-last": "error",
      eqeqeq: ["error", "always"],
      "no-alert": "error",
      "no-console": ["error", { allow: ["warn", "error"] }],
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-param-reassign": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Text goes in by textContent, markup by a template." },
        { property: "outerHTML", message: "Text goes in by textContent, markup by a template." },
        { property: "insertAdjacentHTML", message: "Text goes in by textContent, markup by a template." },
      ],
      "no-self-compare": "error",
      "no-shadow": "error",
      "no-throw-literal": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-useless-return": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  {
    files: ["static/js/**/*.js"],
    languageOptions: {
      ecmaVersion: 2023,
      sourceType: "module",
      globals: { ...globals.browser, htmx: "readonly" },
    },
  },
  {
    // The models never touch the page, so that they run under `node --test`.
    files: ["static/js/models/**/*.js"],
    languageOptions: { globals: { document: "off", window: "off" } },
  },
  {
    // Put into pages by the benchmarks and the browser tests.
    files: ["tests/bench/**/*.js", "tests/e2e/**/*.js"],
    languageOptions: { globals: { ...globals.browser, bench: "readonly" } },
  },
  {
    files: ["tests/js/**/*.js", "scripts/**/*.mjs", "eslint.config.js"],
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.node },
    rules: { "no-console": "off" },
  },
]
