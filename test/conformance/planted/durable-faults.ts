import type { Lease } from '../../../src/log/event-log.ts'
import type { ExecutionStore, StoredExecution } from '../../../src/store/execution-store.ts'
import { createMemoryStore } from '../../../src/store/memory-store.ts'
import type { Planted } from './planted.ts'

/** What outlives a process. */
interface Disk {
  readonly store: ExecutionStore
  /** The process that claimed an execution last. */
  readonly claims: Map<string, object>
}

/** The faulty parts of one process. */
type DurablePlant = (disk: Disk, process: object) => Partial<ExecutionStore>

/** A store on a disk, and the next process on the same disk. */
export function createDurable(plant: DurablePlant = () => ({})): {
  create: () => ExecutionStore
  reopen: () => ExecutionStore
} {
  let disk: Disk
  const open = (): ExecutionStore => {
    const { store, claims } = disk
    const process = {}
    return {
      ...store,
      claim(id) {
        const lease = store.claim(id)
        claims.set(id, process)
        return lease
      },
      interrupted: async () => listInterrupted(disk, process),
      ...plant(disk, process),
    }
  }
  return {
    create() {
      disk = { store: createMemoryStore(), claims: new Map() }
      return open()
    },
    reopen: open,
  }
}

async function listInterrupted({ store, claims }: Disk, process: object): Promise<readonly StoredExecution[]> {
  const all = await store.list({ limit: 1000 })
  return all.filter(({ executionId, status }) => {
    const claimed = claims.get(executionId)
    return status === 'running' && claimed !== undefined && claimed !== process
  })
}

const KEPT = 'what was acknowledged is there after the end of its process'
const REMOVED = 'what was removed is gone after the end of its process'
const FENCED = 'a lease of an earlier process is fenced off by a claim of the next one'
const INTERRUPTED = 'executions that were running are interrupted after the end of their process, the oldest first'

/** Faults that only the next process sees. */
export const DURABLE_FAULTS: readonly Planted<DurablePlant>[] = [
  [
    'keeps outputs in its process',
    () => {
      const outputs = new Map<string, string>()
      return {
        putOutput: ({ executionId }, taskId, json) => void outputs.set(`${executionId} ${taskId}`, json),
        getOutput: (id, taskId) => outputs.get(`${id} ${taskId}`),
      }
    },
    KEPT,
  ],
  [
    'keeps secrets in its process',
    () => {
      const rows = new Map<string, string>()
      return {
        secrets: {
          put: ({ executionId }, inputId, json) => void rows.set(`${executionId} ${inputId}`, json),
          get: (id, inputId) => rows.get(`${id} ${inputId}`),
          keep: () => {},
        },
      }
    },
    KEPT,
  ],
  [
    'writes the last entries later',
    ({ store }) => {
      const rows = new Map<string, number>()
      return {
        append: async (lease, first, entries) => {
          rows.set(lease.executionId, first + entries.length - 1)
          await store.append(lease, first, entries.slice(0, -1))
        },
      }
    },
    KEPT,
  ],
  [
    'remembers outputs in its process',
    ({ store }) => {
      const own = createMemoryStore()
      return {
        ...store,
        recall: (key, maxAgeMs) => own.recall?.(key, maxAgeMs),
        remember: (key, output) => own.remember?.(key, output),
      }
    },
    KEPT,
  ],
  [
    'keeps what is parked in its process',
    ({ store }) => {
      const parked = new Map<string, StoredExecution['parked']>()
      return {
        async append(lease, first, entries) {
          await store.append(lease, first, entries)
          parked.set(lease.executionId, (await store.get(lease.executionId))?.parked)
        },
        async get(id) {
          const { parked: _, ...found } = { ...(await store.get(id)) }
          const own = parked.get(id)
          return 'executionId' in found ? ({ ...found, ...(own && { parked: own }) } as StoredExecution) : undefined
        },
      }
    },
    KEPT,
  ],
  [
    'deletes in its process',
    ({ store }) => {
      const gone = new Set<string>()
      return {
        delete: id => gone.size < gone.add(id).size,
        get: id => (gone.has(id) ? undefined : store.get(id)),
      }
    },
    REMOVED,
  ],
  [
    'removes secrets in its process',
    ({ store }) => {
      const { secrets } = store
      return secrets === undefined
        ? {}
        : { secrets: { put: secrets.put.bind(secrets), get: secrets.get.bind(secrets), keep: () => {} } }
    },
    REMOVED,
  ],
  [
    'counts epochs in its process',
    ({ store }) => {
      const epochs = new Map<string, number>()
      const newest = new Map<string, Lease>()
      return {
        async claim(id) {
          const lease = await store.claim(id)
          epochs.set(id, (epochs.get(id) ?? 0) + 1)
          newest.set(id, lease)
          return { executionId: id, epoch: epochs.get(id) ?? 1 }
        },
        append: (lease, first, entries) => store.append(newest.get(lease.executionId) ?? lease, first, entries),
        putOutput: (lease, taskId, json) => store.putOutput(newest.get(lease.executionId) ?? lease, taskId, json),
      } satisfies Partial<ExecutionStore>
    },
    FENCED,
  ],
  [
    'interrupts what was never claimed',
    ({ store }) => ({
      interrupted: async () => (await store.list({ limit: 1000 })).filter(({ status }) => status === 'running'),
    }),
    INTERRUPTED,
  ],
  [
    'interrupts the newest first',
    (disk, process) => ({
      interrupted: async () => (await listInterrupted(disk, process)).toReversed(),
    }),
    INTERRUPTED,
  ],
  ['interrupts nothing', () => ({ interrupted: () => [] }), INTERRUPTED],
  ['interrupts what it has claimed', disk => ({ interrupted: () => listInterrupted(disk, {}) }), INTERRUPTED],
]
