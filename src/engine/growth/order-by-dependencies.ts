/**
 * The items, each behind those that it depends on, otherwise in their order. Linear; not recursive. Dependencies that are no
 * items are ignored, and so is one that closes a circle.
 */
export function orderByDependencies<Item>(
  items: Iterable<Item>,
  dependenciesOf: (item: Item) => readonly Item[],
): Item[] {
  const waiting = new Set(items)
  const entered = new Set<Item>()
  const ordered = new Set<Item>()
  for (const first of waiting) {
    const open = [first]
    for (let item = open.at(-1); item !== undefined; item = open.at(-1)) {
      const missing = entered.has(item)
        ? []
        : dependenciesOf(item).filter(each => waiting.has(each) && !entered.has(each))
      entered.add(item)
      if (missing.length > 0) {
        open.push(...missing.toReversed())
        continue
      }
      open.pop()
      ordered.add(item)
    }
  }
  return [...ordered]
}
