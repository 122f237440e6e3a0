import {
  DagstreamError,
  type DAGStructure,
  type Execution,
  type PlanPatch,
  validateWorkflow,
  type Tool,
} from '../../src/index.ts'
import { createRandomDocument, type RandomDocument } from '../language/random-language-document.ts'
import { RandomSource } from '../language/random-source.ts'
import type { Task } from '../language/surroundings.ts'

/** A random document as it begins, and tasks that patches may bring. */
export interface PatchedDocument {
  /** `document`: as it begins. */
  readonly made: RandomDocument
  /** Tasks that are not in it, or are there with another content. */
  readonly pool: readonly Task[]
}

/** A random document of which some tasks are missing, with all that depend on them, and some others are stand-ins. */
export function createPatchedDocument(seed: number, tools: readonly Tool[]): PatchedDocument {
  const random = new RandomSource(seed + 1)
  const made = createRandomDocument(seed, random.chance(0.2))
  const { tasks, finally: last, output, ...rest } = made.document
  const isStandIn = new Map(tasks.map(({ id }) => [id, random.chance(0.3)]))
  const present = new Set(tasks.filter(() => random.chance(0.7)).map(({ id }) => id))
  for (;;) {
    const listed = tasks
      .filter(({ id }) => present.has(id))
      .map(task => (isStandIn.get(task.id) ? standIn(task) : task))
    const document = {
      ...rest,
      tasks: listed.length > 0 ? listed : [{ id: 'only', tool: 'echo' }],
      ...(last && { finally: last }),
      ...(output !== undefined && { output }),
    }
    const { issues } = validateWorkflow(document, tools, { workflows: made.workflows, input: made.input })
    if (issues.length === 0) {
      const pool = tasks.filter(task => !present.has(task.id) || isStandIn.get(task.id))
      return { made: { ...made, document }, pool }
    }
    // What is missing has to go with those that name it.
    let isLess = false
    for (const { pointer } of issues) {
      const [, at] = /^\/tasks\/(\d+)/.exec(pointer) ?? []
      if (at !== undefined) isLess = present.delete((listed[Number(at)] as Task).id) || isLess
    }
    if (!isLess) return { made, pool: tasks }
  }
}

const standIn = ({ id, dependsOn = [] }: Task): Task => ({ id, tool: 'echo', dependsOn: dependsOn.slice(0, 1) })

/**
 * A patch that may be refused: by its content, or by what has started.
 * @param started ids that it mostly leaves alone
 */
export function createPatch(
  random: RandomSource,
  document: DAGStructure,
  whole: readonly Task[],
  started: ReadonlySet<string>,
): PlanPatch {
  const isLeft = (id: string): boolean => !started.has(id) || random.chance(0.05)
  const ids = document.tasks.map(({ id }) => id)
  const pool = whole.filter(({ id }) => isLeft(id))
  const known = new Set(ids)
  const candidates = random.some(pool, random.pick([0.2, 0.6, 1]))
  const absent = candidates.filter(({ id }) => !known.has(id))
  const others = document.tasks.filter(({ id }) => isLeft(id) && !whole.some(task => task.id === id))
  const replaced = [
    ...candidates.filter(({ id }) => known.has(id)),
    ...random.some(others, 0.15).map(task => (random.chance(0.5) ? standIn(task) : { ...task, optional: true })),
  ]
  const twins = new Set(replaced.map(({ id }) => id))
  const fresh: Task = {
    id: `n${random.integer(0, 3)}`,
    tool: random.pick(['echo', 'count']),
    ...(ids.length > 0 && random.chance(0.7) && { dependsOn: [random.pick(ids)] }),
    ...(ids.length > 0 && random.chance(0.4) && { arguments: { a: `$OUTPUT[${random.pick(ids)}]` } }),
  }
  const removed = random.some(ids, random.pick([0, 0.1, 0.3])).filter(id => isLeft(id) && !twins.has(id))
  // Mostly with those that depend on them.
  const remove = random.chance(0.9) ? removed.filter(id => !isNeeded(document, id, removed)) : removed
  return {
    add: [...absent, ...(random.chance(0.4) ? [fresh] : [])],
    remove,
    replace: replaced,
  }
}

/** Whether a task that stays names a task. */
function isNeeded(
  { tasks, finally: last = [], output }: DAGStructure,
  id: string,
  removed: readonly string[],
): boolean {
  const kept = [...tasks.filter(task => task.id !== id && !removed.includes(task.id)), ...last]
  const text = JSON.stringify([kept, output])
  return text.includes(`"${id}"`) || text.includes(`[${id}]`) || text.includes(`.${id}`) || text.includes(`\\"${id}\\"`)
}

/** The document that a patch makes of another one. */
export function applyPatch(document: DAGStructure, { add = [], remove = [], replace = [] }: PlanPatch): DAGStructure {
  const gone = new Set([...remove, ...replace.map(({ id }) => id)])
  return { ...document, tasks: [...document.tasks.filter(({ id }) => !gone.has(id)), ...add, ...replace] }
}

/** Patches an execution. @returns the code of the refusal; `undefined` if it was patched */
export async function patchOrCode(execution: Execution, patch: PlanPatch): Promise<string | undefined> {
  try {
    await execution.patch(patch)
    return undefined
  } catch (error) {
    if (error instanceof DagstreamError) return error.code
    throw error
  }
}
