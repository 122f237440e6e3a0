import type { Fold } from '../model/fold.ts'

/** The dependencies of a task, by id. */
export type Dependencies = (taskId: string) => readonly string[] | undefined

/**
 * The chain of tasks that decided when the execution ended: from the task that ended last back through the dependency that
 * ended last each time. Where dependencies are not known, the task of the layer before that ended last.
 */
export function findCriticalPath({ state, trace, top }: Fold, dependenciesOf: Dependencies): Set<string> {
  const endOf = (taskId: string): number => trace.tasks.get(taskId)?.endedAt ?? Number.NEGATIVE_INFINITY
  const findLast = (ids: Iterable<string>): string | undefined => {
    let last: string | undefined
    for (const id of ids) {
      const task = trace.tasks.get(id)
      // Skipped tasks end when they are decided; only what ran takes time.
      if (task?.endedAt === undefined || task.attempts.length === 0) continue
      if (last === undefined || endOf(id) > endOf(last)) last = id
    }
    return last
  }
  const lastOfLayer: string[] = []
  for (const id of top) {
    const layer = state.tasks.get(id)?.layer ?? 0
    const known = lastOfLayer[layer]
    if (endOf(id) > (known === undefined ? Number.NEGATIVE_INFINITY : endOf(known))) lastOfLayer[layer] = id
  }
  const path = new Set<string>()
  for (let at = findLast(top); at !== undefined && !path.has(at); ) {
    path.add(at)
    const known = dependenciesOf(at)
    const before = lastOfLayer[(state.tasks.get(at)?.layer ?? 0) - 1]
    at = known === undefined || (known.length === 0 && state.schedule !== 'dataflow') ? before : findLast(known)
  }
  return path
}
