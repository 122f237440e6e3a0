/** Which names use which: the workflows that the tasks of each workflow run. */
export type NameGraph = ReadonlyMap<string, readonly string[]>

/** The name and all that it uses at any depth, each behind those that it uses, except in circles. Not recursive. */
export function orderNames(graph: NameGraph, start: string): string[] {
  const order: string[] = []
  const seen = new Set([start])
  const open: { readonly name: string; next: number }[] = [{ name: start, next: 0 }]
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const used = graph.get(top.name) ?? []
    const name = used[top.next]
    top.next += 1
    if (name === undefined) {
      order.push(top.name)
      open.pop()
    } else if (graph.has(name) && !seen.has(name)) {
      seen.add(name)
      open.push({ name, next: 0 })
    }
  }
  return order
}

/** A shortest circle that begins with two names, the first repeated at the end. The second must use the first at some depth. */
export function findCircle(graph: NameGraph, first: string, second: string): string[] {
  const cameFrom = new Map<string, string>()
  const queue = [second]
  for (const name of queue) {
    if (name === first) break
    for (const used of graph.get(name) ?? []) {
      if (cameFrom.has(used)) continue
      cameFrom.set(used, name)
      queue.push(used)
    }
  }
  const back: string[] = []
  for (
    let name: string | undefined = first;
    name !== undefined;
    name = name === second ? undefined : cameFrom.get(name)
  ) {
    back.push(name)
  }
  return [first, ...back.toReversed()]
}
