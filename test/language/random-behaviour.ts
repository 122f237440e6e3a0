import type { Json } from './reference-template.ts'
import { deriveSeed, RandomSource } from './random-source.ts'
import type { Behaviour } from './surroundings.ts'

/** What a tool or a task gives if it succeeds, as far as references into it need to know. */
export type Shape = 'count' | 'list' | 'word' | 'echo' | 'any'

/** The tools of random documents, by name; each gives what its name says. */
export const TOOLS = ['count', 'list', 'word', 'echo'] as const satisfies readonly Shape[]

/**
 * Tools whose outcome depends on the task, the attempt and, for `echo`, the arguments, so on nothing that a schedule
 * changes. A task fails for good, fails its first attempts, or succeeds.
 */
export function createBehaviour(seed: number, failureShare: number): Behaviour {
  return ({ tool, taskId, attempt, args }) => {
    const random = new RandomSource(deriveSeed(seed, taskId))
    const isBad = random.chance(failureShare)
    const failures = random.chance(failureShare) ? random.integer(1, 2) : 0
    const code = random.pick(['TOOL_ERROR', 'NO'])
    if (isBad || attempt <= failures) return { code, isFinal: isBad && random.chance(0.5) }
    return { output: createOutput(tool, random, args) }
  }
}

function createOutput(tool: string, random: RandomSource, args: Json): Json {
  switch (tool) {
    case 'count':
      return createCount(random)
    case 'list':
      return createList(random)
    case 'echo':
      return args
    default:
      return random.pick(['', 'word', null])
  }
}

function createCount(random: RandomSource): Json {
  const flag = random.chance(0.5)
  const list = createList(random)
  // Some lack what references and conditions look for.
  return random.chance(0.1) ? { flag: 'maybe', list } : { n: random.integer(0, 4), flag, list }
}

function createList(random: RandomSource): Json {
  const makeElement = (): Json => (random.chance(0.15) ? null : { n: random.integer(0, 4) })
  return Array.from({ length: random.integer(0, 4) }, makeElement)
}
