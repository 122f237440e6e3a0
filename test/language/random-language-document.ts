import type { DAGStructure, RepeatPolicy } from '../../src/index.ts'
import type { Condition } from './condition.ts'
import { createBehaviour, type Shape, TOOLS } from './random-behaviour.ts'
import {
  createCondition,
  createItems,
  createUntil,
  createValue,
  type InputKey,
  type KnownTask,
  type Place,
} from './random-place.ts'
import { deriveSeed, RandomSource } from './random-source.ts'
import type { Json } from './reference-template.ts'
import type { Surroundings, Task, TaskFields } from './surroundings.ts'

/** A document that uses the words of the language, and everything that it needs to run. */
export type RandomDocument = Required<Surroundings> & { readonly document: DAGStructure }

/** Levels of sub-workflows below the document. */
const MAX_DEPTH = 3

/**
 * A valid document of 3–8 tasks, and sub-workflows of 1–3, that the seed determines.
 * @param isPlain without the words of the language
 */
export function createRandomDocument(seed: number, isPlain = false): RandomDocument {
  const random = new RandomSource(seed)
  const input: Json = { n: random.integer(0, 4), flag: random.chance(0.5), items: [{ n: 1 }, 2, null] }
  const writer = new DocumentWriter(random, isPlain)
  const document = writer.writeWorkflow(0, INPUT)
  const { conditions, workflows } = writer
  const behave = createBehaviour(deriveSeed(seed, 'tools'), random.pick([0.05, 0.15, 0.3]))
  return { document, input, workflows, conditions, behave }
}

const INPUT: readonly InputKey[] = [
  { key: 'n', shape: 'number', isConstant: true },
  { key: 'flag', shape: 'boolean', isConstant: true },
  { key: 'items', shape: 'list', isConstant: true },
]

class DocumentWriter {
  readonly conditions = new Map<string, Condition>()
  readonly workflows: Record<string, DAGStructure> = {}
  readonly #random: RandomSource
  readonly #isPlain: boolean

  constructor(random: RandomSource, isPlain: boolean) {
    this.#random = random
    this.#isPlain = isPlain
  }

  writeWorkflow(depth: number, input: readonly InputKey[], schema?: Pick<DAGStructure, 'inputSchema'>): DAGStructure {
    const random = this.#random
    const known: KnownTask[] = []
    const size = depth === 0 ? random.integer(3, 8) : random.integer(1, 3)
    const tasks = Array.from({ length: size }, (_, at) => this.#writeTask(`t${at}`, depth, known, { known, input }))
    const isEnding = this.#uses(0.35)
    const ending: KnownTask[] = []
    const last = Array.from({ length: isEnding ? random.integer(1, 3) : 0 }, (_, at) => {
      const place = { known: [...known, ...ending], input, mayLack: true, seesStatus: true, isFinally: true }
      return this.#writeTask(`f-${at}`, depth, ending, place)
    })
    const place = { known, input, mayLack: true }
    const output = { first: createValue(random, place), second: createValue(random, place) }
    return {
      tasks,
      ...(isEnding && { finally: last }),
      ...(this.#uses(0.6) && { output }),
      ...(depth === 0 && this.#uses(0.2) && { inputSchema: { type: 'object', required: ['n'] } }),
      ...schema,
    }
  }

  /** @param siblings earlier tasks of the same list, which it may depend on; the new task joins them */
  #writeTask(prefix: string, depth: number, siblings: KnownTask[], given: Place): Task {
    const random = this.#random
    const id = random.chance(0.2) ? `${prefix}-x` : prefix
    const tool = random.pick([...TOOLS, 'count', 'list'] as const)
    const isWorkflow = depth < MAX_DEPTH && this.#uses(depth === 0 ? 0.25 : 0.15)
    const mode = this.#uses(0.45) ? random.pick(['forEach', 'forEach', 'repeat'] as const) : 'once'
    const shape = isWorkflow ? 'any' : tool
    const dependsOn = random.some(siblings.slice(-4), 0.25).map(each => each.id)
    const runOn = dependsOn.length > 0 && this.#uses(0.3) ? random.pick(['failure', 'settled'] as const) : undefined
    const place = { ...placeTask(given, mode, runOn, dependsOn), isPlain: this.#isPlain }
    const call = isWorkflow ? this.#writeCall(depth, place) : { tool, ...this.#writeArguments(place) }
    const isOptional = this.#uses(0.15)
    const when = this.#uses(0.25) ? this.#keep(createCondition(random, { ...place, isItem: mode === 'forEach' })) : ''
    const fields = {
      id,
      ...(dependsOn.length > 0 && { dependsOn }),
      ...(runOn && { runOn }),
      ...(when !== '' && { when }),
      ...(isOptional && { optional: true }),
      ...(isOptional && random.chance(0.7) && { default: createDefault(random, mode === 'forEach' ? 'list' : shape) }),
      ...(!isWorkflow && random.chance(0.25) && { retry: { maxAttempts: random.integer(2, 3), initialDelayMs: 0 } }),
      ...(mode === 'forEach' && this.#writeFanOut(place)),
      ...(mode === 'repeat' && { repeat: this.#writeRepeat(shape) }),
    }
    siblings.push({ id, shape: mode === 'forEach' ? 'list' : shape })
    return { ...fields, ...call }
  }

  #writeArguments(place: Place): Pick<TaskFields, 'arguments'> {
    const random = this.#random
    if (random.chance(0.15)) return {}
    return {
      arguments: { a: createValue(random, place), ...(random.chance(0.4) && { b: createValue(random, place) }) },
    }
  }

  /** A sub-workflow inline or by name, with its arguments. */
  #writeCall(
    depth: number,
    place: Place,
  ): { readonly arguments: Readonly<Record<string, unknown>>; readonly workflow: string | DAGStructure } {
    const random = this.#random
    const args: Readonly<Record<string, unknown>> = this.#writeArguments(place).arguments ?? { a: 1 }
    const input = Object.entries(args).map(([key, value]): InputKey => {
      return { key, shape: 'any', isConstant: !JSON.stringify(value).includes('$') }
    })
    const open = input.find(({ isConstant }) => !isConstant)
    const type = random.pick(['object', 'array', 'number', 'string'])
    const properties = open && random.chance(0.4) && { properties: { [open.key]: { type } } }
    const schema = random.chance(0.6) ? { inputSchema: { type: 'object', ...properties } } : undefined
    const document = this.writeWorkflow(depth + 1, input, schema)
    if (random.chance(0.6)) return { arguments: args, workflow: document }
    const name = `w${Object.keys(this.workflows).length}`
    this.workflows[name] = document
    return { arguments: args, workflow: name }
  }

  #writeFanOut(place: Place): Pick<TaskFields, 'forEach' | 'concurrency' | 'tolerate'> {
    const random = this.#random
    return {
      forEach: createItems(random, { ...place, isItem: false }),
      ...(random.chance(0.4) && { concurrency: random.integer(1, 3) }),
      ...(random.chance(0.75) && { tolerate: random.pick([1, 2, '30%', '60%', '100%']) }),
    }
  }

  #writeRepeat(shape: Shape): RepeatPolicy {
    const random = this.#random
    return {
      maxTimes: random.integer(1, 4),
      ...(random.chance(0.75) && { until: this.#keep(createUntil(random, shape)) }),
      ...(random.chance(0.5) && { onExhausted: random.pick(['keep', 'fail'] as const) }),
      ...(random.chance(0.2) && { everyMs: 1, factor: random.pick([1, 2]) }),
    }
  }

  /** Whether a word of the language is used here. */
  #uses(probability: number): boolean {
    return !this.#isPlain && this.#random.chance(probability)
  }

  #keep(condition: Condition): string {
    this.conditions.set(condition.cel, condition)
    return condition.cel
  }
}

/** What the arguments and the condition of a task may name. */
function placeTask(given: Place, mode: string, runOn: TaskFields['runOn'], dependsOn: readonly string[]): Place {
  const local = { ...given, isItem: mode === 'forEach', isRound: mode === 'repeat' }
  if (runOn === undefined) return local
  // What it reads are dependencies, too: if there is one only, it failed when the task runs.
  const known = given.known.filter(({ id }) => dependsOn.includes(id))
  const failed = runOn === 'failure' && dependsOn.length === 1 ? dependsOn : []
  return { ...local, known, failed, mayLack: true, seesStatus: true }
}

function createDefault(random: RandomSource, shape: Shape): Json {
  if (shape === 'list') return random.pick([[], [{ n: 1 }, null]])
  return shape === 'count' ? { n: 1 } : random.pick([0, 'none', null])
}
