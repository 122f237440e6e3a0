import {
  and,
  type Condition,
  errorCode,
  executionStatus,
  hasElement,
  index,
  input,
  isEqual,
  isMore,
  isTrue,
  item,
  member,
  not,
  or,
  output,
  result,
  status,
  type Term,
} from './condition.ts'
import type { Shape } from './random-behaviour.ts'
import type { RandomSource } from './random-source.ts'

/** A task that a place may read. */
export interface KnownTask {
  readonly id: string
  readonly shape: Shape
}

/** A member of the input that is always there. */
export interface InputKey {
  readonly key: string
  readonly shape: Shape | 'number' | 'boolean'
  /** Whether the checks of the document can know the value. */
  readonly isConstant: boolean
}

/** What one task of a random document may name. */
export interface Place {
  readonly known: readonly KnownTask[]
  readonly input: readonly InputKey[]
  readonly isItem?: boolean
  readonly isRound?: boolean
  /** Whether tasks without an output can be read: `runOn`, `finally`, `output`. */
  readonly mayLack?: boolean
  /** Whether `$STATUS[id]` has a meaning. */
  readonly seesStatus?: boolean
  /** Ids of tasks that failed if this one runs. */
  readonly failed?: readonly string[]
  readonly isFinally?: boolean
  /** Without the words of the language. */
  readonly isPlain?: boolean
}

/** A value for an argument: a literal, a reference or a text with references. */
export function createValue(random: RandomSource, place: Place): unknown {
  const references = createReferences(random, place)
  if (references.length === 0 || random.chance(0.15)) return random.pick([0, 2, true, null, 'x', [1, 'y'], { n: 3 }])
  const reference = random.pick(references)
  if (random.chance(0.15)) return { inside: [reference], beside: 1 }
  return random.chance(0.2) ? `about ${reference} and ${random.pick(references)}!` : reference
}

/** A source of items that are an array, most of the time. */
export function createItems(random: RandomSource, place: Place): unknown {
  const lists = [
    ...place.known.flatMap(({ id, shape }) => (shape === 'list' ? `$OUTPUT[${id}]` : [])),
    ...place.known.flatMap(({ id, shape }) => (shape === 'count' && !place.mayLack ? `$OUTPUT[${id}].list` : [])),
    ...place.input.flatMap(({ key, shape }) => (shape === 'list' ? `$INPUT.${key}` : [])),
  ]
  const others = [
    ...place.known.map(({ id }) => `$OUTPUT[${id}]`),
    ...place.input.flatMap(({ key, isConstant }) => (isConstant ? [] : `$INPUT.${key}`)),
  ]
  const literal = random.some([0, 1, { n: 2 }, { n: 4 }, null, ...random.some(lists, 0.2)], 0.5)
  const list = (): unknown => (lists.length > 0 && random.chance(0.6) ? random.pick(lists) : literal)
  if (random.chance(0.1)) return []
  if (random.chance(0.15)) return { os: ['linux', 'mac'], n: list() }
  return others.length > 0 && random.chance(0.15) ? random.pick(others) : list()
}

/** A condition over what the place may name. */
export function createCondition(random: RandomSource, place: Place): Condition {
  const leaves = createLeaves(random, place)
  const leaf = (): Condition => (random.chance(0.2) ? not(random.pick(leaves)) : random.pick(leaves))
  if (random.chance(0.8)) return leaf()
  return random.pick([and, or])(leaf(), leaf())
}

/** A condition that ends a repetition. */
export function createUntil(random: RandomSource, shape: Shape): Condition {
  const leaves = [isMore(index, 1, 0, random.integer(0, 2)), not(isEqual(result, null))]
  if (shape === 'count') leaves.push(isMore(member(result, 'n'), 1, 0, 2), isTrue(member(result, 'flag')))
  return random.pick(leaves)
}

function createReferences(random: RandomSource, place: Place): string[] {
  const { known, isItem, isRound, mayLack, seesStatus, failed = [], isFinally } = place
  // Whether a path into an output that is not there is null is left open, so that few documents ask.
  const hasPath = !mayLack || random.chance(0.1)
  return [
    ...known.flatMap(({ id, shape }) => {
      const paths = hasPath ? PATHS[shape].filter(path => !place.isPlain || !path.includes('*')) : ['']
      return `$OUTPUT[${id}]${random.pick(paths)}`
    }),
    ...place.input.map(({ key }) => `$INPUT.${key}`),
    ...(isItem ? ['$ITEM', '$ITEM.n', '$INDEX', '$INDEX: $ITEM'] : []),
    ...(isRound ? ['$PREVIOUS', '$PREVIOUS.n', '$INDEX'] : []),
    ...(seesStatus ? known.map(({ id }) => `$STATUS[${id}]`) : []),
    ...failed.map(id => `$ERROR[${id}].code`),
    ...(isFinally ? ['$STATUS', 'ended: $STATUS'] : []),
  ]
}

const PATHS: Readonly<Record<Shape, readonly string[]>> = {
  count: ['', '.n', '.n', '.flag', '.list', '.list[*].n', '.list[0].n'],
  list: ['', '[*]', '[*].n', '[0]'],
  word: [''],
  echo: ['', '.a', '.a', '.none'],
  any: [''],
}

function createLeaves(random: RandomSource, place: Place): Condition[] {
  const { known, isItem, isFinally } = place
  const bound = random.integer(0, 3)
  const ofTask = ({ id, shape }: KnownTask): Condition[] => {
    const value = output(id)
    const isFailed = and(not(isEqual(status(id), 'success')), isEqual(errorCode(id), random.pick(CODES)))
    const leaves = [not(isEqual(value, null)), isEqual(status(id), random.pick(STATUSES)), isFailed]
    if (shape === 'count') leaves.push(...ofCount(value, bound))
    if (shape === 'list') leaves.push(hasElement(value), hasElement(value))
    return leaves
  }
  const ofInput = ({ key, shape }: InputKey): Condition => {
    if (shape === 'number') return isMore(member(input, key), 1, 1, bound)
    return shape === 'boolean' ? isTrue(member(input, key)) : not(isEqual(member(input, key), null))
  }
  return [
    isEqual({ cel: '1 + 1', read: () => 2 }, random.pick([2, 3])),
    ...known.flatMap(ofTask),
    ...place.input.map(ofInput),
    ...(isItem ? [isMore(index, 1, 0, 1), not(isEqual(item, null)), isMore(member(item, 'n'), 2, 0, bound)] : []),
    ...(isFinally ? [isEqual(executionStatus, random.pick(['success', 'partial', 'error']))] : []),
  ]
}

const ofCount = (value: Term, bound: number): Condition[] => [
  isMore(member(value, 'n'), 1, 1, bound),
  isTrue(member(value, 'flag')),
]

const CODES = ['TOOL_ERROR', 'NO', 'ITEMS_FAILED', 'CHILD_FAILED', 'CONDITION_FALSE', 'DEPENDENCY_FAILED']
const STATUSES = ['success', 'success', 'error', 'skipped']
