import type { CheckedTask, TaskTree } from '../checked-document.ts'
import { ANY_TREE, findClash } from './child-ids.ts'

/** A task of a document whose children would have the id of another task. */
export interface Clash {
  readonly task: CheckedTask
  /** The task that runs the workflow with the other task. */
  readonly outer: CheckedTask
  readonly id: string
}

/** Finds the tasks whose ids begin with that of a task that runs a workflow, where both would have a task of one id. */
export function findClashes(tasks: readonly CheckedTask[]): Clash[] {
  const outers = new Map(tasks.filter(runsOnce).map(task => [task.id, task]))
  if (outers.size === 0) return []
  let tree: TaskTree | undefined
  const clashes: Clash[] = []
  for (const task of tasks) {
    const { id } = task
    for (let end = id.indexOf('/'); end >= 0; end = id.indexOf('/', end + 1)) {
      const outer = outers.get(id.slice(0, end))
      if (outer === undefined) continue
      const shared = findClash((tree ??= growTree(tasks)), outer.id, id)
      if (shared !== undefined) clashes.push({ task, outer, id: shared })
    }
  }
  return clashes
}

/** The ids of a document's tasks and of those that they run. */
function growTree(tasks: readonly CheckedTask[]): TaskTree {
  return new Map(tasks.map(task => [task.id, runsOnce(task) ? growNested(task) : undefined]))
}

/** Whether its children have the ids of tasks below its own. Ids of items and rounds hold `[`, which other ids cannot. */
export function runsOnce({ words, tool }: CheckedTask): boolean {
  const hasTasks = words?.workflow !== undefined || tool.isPlanner
  return hasTasks && words?.forEach === undefined && words?.repeat === undefined
}

/** The ids of the tasks that a task runs. */
export function growNested({ words, tool }: CheckedTask): TaskTree | undefined {
  if (tool.isPlanner) return ANY_TREE
  const nested = words?.workflow
  if (nested === undefined) return undefined
  return 'known' in nested ? nested.known.tree : growTree(nested.document.tasks)
}
