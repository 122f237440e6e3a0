import { LIMITS } from './document.ts'

/** The names in a document. */
export interface UsedNames {
  readonly tools: ReadonlySet<string>
  /** The registered workflows, with those that they name. */
  readonly workflows: ReadonlySet<string>
  /** Whether it, or a workflow that it runs, has `finally` tasks. */
  readonly hasFinally: boolean
}

/**
 * Collects the tools and workflows that any value, as a workflow, names: in its tasks, in the workflows that they hold,
 * and in the registered ones that it names. Those are looked for in its own `workflows`, as recorded documents have them,
 * and by `find`. Never throws because of the value; linear in its size.
 */
export function collectNames(document: unknown, find: (name: string) => unknown = () => undefined): UsedNames {
  const tools = new Set<string>()
  const workflows = new Set<string>()
  const seen = new Set<unknown>()
  let hasFinally = false
  const waiting: unknown[] = [document]
  const own = readMember(document, 'workflows')
  const addWorkflow = (workflow: unknown): void => {
    if (typeof workflow !== 'string') waiting.push(workflow)
    else if (!workflows.has(workflow)) {
      workflows.add(workflow)
      waiting.push(readMember(own, workflow) ?? find(workflow))
    }
  }
  for (let next = waiting.pop(); waiting.length > 0 || next !== undefined; next = waiting.pop()) {
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    const last = readMember(next, 'finally')
    if (countEntries(last) > 0) hasFinally = true
    for (const list of [readMember(next, 'tasks'), last]) {
      for (let i = 0; i < countEntries(list); i++) {
        const task = readMember(list, i)
        const tool = readMember(task, 'tool')
        if (typeof tool === 'string') tools.add(tool)
        const workflow = readMember(task, 'workflow')
        if (workflow !== undefined) addWorkflow(workflow)
      }
    }
  }
  return { tools, workflows, hasFinally }
}

/** A longer list is refused by the checks. */
function countEntries(list: unknown): number {
  const length = readMember(list, 'length')
  return typeof length === 'number' && length <= LIMITS.maxTasks ? length : 0
}

/** An own member; `undefined` if reading it throws. */
function readMember(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  try {
    return Object.hasOwn(value, key) ? (value as Record<string | number, unknown>)[key] : undefined
  } catch {
    return undefined
  }
}
