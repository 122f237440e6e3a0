/** Placeholder until the folder `conditions` is merged: the shape that plan, scheduler and engine rely on. */
export interface Condition {
  readonly source: string
  /** Whether it names `item` or `index`. */
  readonly usesItem: boolean
  /** @throws ConditionError */
  evaluate(values: unknown): boolean
}
