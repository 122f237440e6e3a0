import type { DAGStructure, DAGTask } from '../../src/index.ts'
import { createRandomGraph } from '../support/random-graph.ts'

/** What is run and killed. The result of each is the same however often that happens. */
export interface KillWorkflow {
  readonly name: string
  /** As it is POSTed. */
  readonly body: {
    readonly workflow: DAGStructure
    readonly options?: object
    readonly input?: unknown
  }
  /** How it is to end; not known of every one. */
  readonly status?: 'success' | 'partial' | 'error' | 'cancelled'
  /** It is cancelled when this task has started. */
  readonly cancelAt?: string
}

const work = (id: string, dependsOn: readonly string[] = [], args: Record<string, unknown> = {}): DAGTask => {
  return { id, tool: 'work', arguments: { value: `of ${id}`, ...args }, dependsOn }
}

const use = (id: string, tool: string, args: Record<string, unknown>, rest: Partial<DAGTask> = {}): DAGTask => {
  return { id, tool, arguments: args, ...rest }
}

const retry = (maxAttempts: number): Partial<DAGTask> => {
  return { retry: { maxAttempts, initialDelayMs: 60, factor: 1, jitter: 0 } }
}

const TEXT = 'Streams of words are cut at any of them and told anew'

/** Every word of the language. */
export const LANGUAGE: KillWorkflow = {
  name: 'language',
  status: 'success',
  body: {
    workflow: {
      tasks: [
        use(
          'fan',
          'work',
          { value: '$ITEM at $INDEX', ms: 25 },
          { forEach: ['a', 'b', 'c', 'd', 'e'], concurrency: 2 },
        ),
        use('poll', 'work', { value: '$INDEX' }, { repeat: { until: 'result >= 2', everyMs: 80, maxTimes: 5 } }),
        use('some', 'falter', { times: '$ITEM', value: 'kept' }, { forEach: [0, 99, 0], tolerate: 1 }),
        {
          id: 'flow',
          forEach: ['x', 'y'],
          arguments: { of: '$ITEM' },
          workflow: {
            tasks: [
              use('first', 'work', { value: '$INPUT.of' }),
              use('second', 'work', { value: ['$OUTPUT[first]'], ms: 20 }),
            ],
            finally: [use('end', 'work', { value: '$STATUS' })],
          },
        },
        use('maybe', 'falter', { times: 99 }, { optional: true, default: 'instead' }),
        use('reads', 'work', { value: ['$OUTPUT[maybe]', '$OUTPUT[fan][4]'] }),
        use('never', 'work', {}, { when: 'output.poll < 0.0' }),
        use('rescue', 'work', { value: '$ERROR[maybe].code' }, { runOn: 'failure', dependsOn: ['maybe'] }),
      ],
      finally: [use('close', 'work', { value: '$STATUS', ms: 40 }), use('tell', 'work', { value: '$OUTPUT[close]' })],
      output: { fan: '$OUTPUT[fan]', poll: '$OUTPUT[poll]', flow: '$OUTPUT[flow][*].second' },
    },
    options: { schedule: 'dataflow' },
  },
}

/** Its `finally` tasks run after the cancellation. */
export const CANCELLED_LANGUAGE: KillWorkflow = {
  name: 'cancelled with finally',
  status: 'cancelled',
  cancelAt: 'fan[1]',
  body: {
    workflow: {
      tasks: [use('fan', 'linger', { of: '$ITEM' }, { forEach: [1, 2, 3], concurrency: 2 }), work('never', ['fan'])],
      finally: [use('close', 'work', { value: '$STATUS', ms: 40 }), use('tell', 'work', { value: '$OUTPUT[close]' })],
    },
  },
}

/** Asks people: clients of several machines answer. */
export const ASKING: KillWorkflow = {
  name: 'asking',
  status: 'success',
  body: {
    workflow: {
      tasks: [use('a', 'ask', {}), use('b', 'ask', {}), work('beside', [], { ms: 60 }), work('after', ['a', 'b'])],
    },
    options: { schedule: 'dataflow' },
  },
}

export const KILL_WORKFLOWS: readonly KillWorkflow[] = [
  {
    name: 'chain',
    status: 'success',
    body: {
      workflow: {
        tasks: [
          use('t0', 'work', { value: { who: '$INPUT.who' } }),
          work('t1', [], { value: ['$OUTPUT[t0]'] }),
          work('t2', [], { value: 'told by ${OUTPUT[t1][0].who}' }),
          work('t3', ['t2']),
        ],
      },
      input: { who: 'Ada' },
    },
  },
  {
    name: 'diamond',
    status: 'success',
    body: { workflow: { tasks: [work('a'), work('b', ['a']), work('c', ['a'], { ms: 40 }), work('d', ['b', 'c'])] } },
  },
  {
    name: 'fan with limits',
    status: 'success',
    body: {
      workflow: {
        tasks: [
          ...['l0', 'l1', 'l2', 'l3', 'l4'].map(id => use(id, 'limited', { value: id })),
          ...['f0', 'f1', 'f2'].map(id => work(id)),
          use('all', 'work', { value: ['$OUTPUT[l0]', '$OUTPUT[l4]', '$OUTPUT[f2]'] }),
        ],
      },
      options: { maxConcurrency: 3 },
    },
  },
  {
    name: 'retry with a delay',
    status: 'partial',
    body: {
      workflow: {
        tasks: [
          use('twice', 'falter', { times: 2, value: 'at last' }, retry(3)),
          use('ever', 'falter', { times: 99 }, retry(3)),
          work('after', ['twice']),
        ],
      },
    },
  },
  {
    name: 'failing with skips',
    status: 'partial',
    body: {
      workflow: {
        tasks: [
          work('good'),
          use('bad', 'falter', { times: 99 }),
          work('skipped', ['bad']),
          work('too', ['skipped', 'good']),
          work('missing', [], { value: '$OUTPUT[good].nothing' }),
          work('fine', ['good']),
        ],
      },
    },
  },
  {
    name: 'fail-fast',
    status: 'partial',
    body: {
      workflow: {
        tasks: [
          work('good'),
          use('bad', 'falter', { times: 99 }, { dependsOn: ['good'] }),
          use('long', 'linger', {}, { dependsOn: ['good'] }),
          work('never', ['good', 'bad', 'long']),
        ],
      },
      options: { onTaskError: 'fail-fast' },
    },
  },
  {
    name: 'cancelled',
    status: 'cancelled',
    cancelAt: 'long',
    body: {
      workflow: { tasks: [work('good'), use('long', 'linger', {}, { dependsOn: ['good'] }), work('never', ['long'])] },
    },
  },
  {
    name: 'large outputs',
    status: 'success',
    body: {
      workflow: {
        tasks: [
          use('large', 'work', { bytes: 150_000 }),
          use('larger', 'work', { bytes: 400_000 }, { dependsOn: ['large'] }),
          use('length', 'measure', { text: '$OUTPUT[large]' }),
          use('both', 'measure', { text: '${OUTPUT[large]}${OUTPUT[larger]}' }),
        ],
      },
    },
  },
  {
    name: 'tokens and usage',
    status: 'success',
    body: {
      workflow: {
        tasks: [use('one', 'stream', { text: TEXT }), use('two', 'stream', { text: 'After this: ${OUTPUT[one]}' })],
      },
    },
  },
  {
    name: 'dataflow',
    status: 'success',
    body: {
      workflow: {
        tasks: [
          work('quick', [], { ms: 5 }),
          work('slow', [], { ms: 90 }),
          work('then', ['quick']),
          work('further', ['then']),
          work('last', ['further', 'slow']),
        ],
      },
      options: { schedule: 'dataflow' },
    },
  },
  LANGUAGE,
  CANCELLED_LANGUAGE,
]

/**
 * A workflow of up to 16 tasks: some take long, some fail for a while, one at most for good, some have large outputs, some stream. Of
 * two that fail for good, whichever is the first would be named as the cause of what is skipped.
 */
export function createRandomWorkflow(random: () => number, name: string): KillWorkflow {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const times = [1, 99]
  const pickTimes = (): number => {
    const picked = pick(times)
    if (picked === 99) times.pop()
    return picked
  }
  const kinds = [
    (id: string) => work(id, [], { ms: Math.floor(random() * 60) }),
    (id: string) => work(id, [], { ms: 0, bytes: 80_000 }),
    (id: string) => use(id, 'limited', { value: id }),
    (id: string) => use(id, 'stream', { text: TEXT }),
    (id: string) => use(id, 'falter', { times: pickTimes(), value: id }, retry(2)),
  ]
  const graph = createRandomGraph(random, 16)
  const tasks = graph.tasks.map(({ id, dependsOn = [] }) => ({ ...pick(kinds)(id), dependsOn }))
  const options = { schedule: pick(['layers', 'dataflow']), maxConcurrency: pick([1, 3, 64]) }
  return { name, body: { workflow: { tasks }, options } }
}
