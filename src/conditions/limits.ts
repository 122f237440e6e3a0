/** Bounds of one condition. */
export const CONDITION_LIMITS = {
  /** Length of the source, UTF-16 units. */
  maxLength: 4096,
  /** Number of names, literals, operators and calls. */
  maxNodes: 1000,
  /** Nesting of parentheses, brackets, arguments and prefixed operators. */
  maxDepth: 100,
  /**
   * Steps of one evaluation. A step is a node of a comprehension's body, once per item; an element that is compared,
   * searched or copied; or 32 characters. So many steps take about as long as one turn of the event loop may.
   */
  maxSteps: 250_000,
  /** Number of values that `observe` returns. */
  maxObserved: 20,
  /** Size of one observed value, characters of JSON. */
  maxObservedLength: 200,
} as const
