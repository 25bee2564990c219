// What htmx, a classic script of its own, gives the room.
declare namespace htmx {
  function swap(target: string, content: string, how: { swapStyle: string; swapDelay: number; settleDelay: number }): void
}
