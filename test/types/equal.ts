// oxlint-disable typescript/no-unnecessary-type-parameters -- two generic functions are compared as wholes
/** Whether two types are the same, `any` and modifiers counted. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only for `true`. */
export type Expect<T extends true> = T
