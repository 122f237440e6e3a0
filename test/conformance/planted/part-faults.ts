import type { ExecutionStore, MemoryKey, RememberedOutput, SecretStore } from '../../../src/store/execution-store.ts'
import type { Planted } from './planted.ts'
import type { StorePlant } from './log-faults.ts'

const RECALL = 'a remembered output is recalled by owner and key, the last one of several'
const FENCED = 'an earlier lease neither writes nor removes secrets'

type Remembered = Map<string, RememberedOutput>

/** A store that remembers in a map, by the names that `nameOf` gives. */
const remembering =
  (
    nameOf: (key: MemoryKey) => string,
    more: (all: Remembered, store: ExecutionStore) => Partial<ExecutionStore> = () => ({}),
  ): StorePlant =>
  store => {
    const all: Remembered = new Map()
    return {
      remember: (key, output) => void all.set(nameOf(key), output),
      recall: (key, maxAgeMs) => (maxAgeMs < 0 ? undefined : all.get(nameOf(key))),
      forget: () => {
        const { size } = all
        all.clear()
        return size
      },
      ...more(all, store),
    }
  }

const exact = ({ owner, key }: MemoryKey): string => JSON.stringify([owner ?? null, key])

const secretly =
  (change: (secrets: SecretStore, store: ExecutionStore) => Partial<SecretStore>): StorePlant =>
  store => {
    const { secrets } = store
    if (secrets === undefined) return {}
    const same: SecretStore = {
      put: (lease, inputId, json) => secrets.put(lease, inputId, json),
      get: (id, inputId) => secrets.get(id, inputId),
      keep: (lease, ids) => secrets.keep(lease, ids),
    }
    return { secrets: { ...same, ...change(secrets, store) } }
  }

/** Faults of remembered outputs and of secrets. */
export const PART_FAULTS: readonly Planted<StorePlant>[] = [
  ['remembers for all owners together', remembering(({ key }) => key), RECALL],
  [
    'keeps the first remembered output',
    remembering(exact, all => ({
      remember: (key, output) => void (all.has(exact(key)) || all.set(exact(key), output)),
    })),
    RECALL,
  ],
  [
    'writes remembered outputs anew',
    remembering(exact, all => ({
      remember: (key, output) =>
        void all.set(exact(key), { ...output, output: JSON.stringify(JSON.parse(output.output)) }),
    })),
    RECALL,
  ],
  [
    'recalls outputs of any age',
    remembering(exact, all => ({ recall: key => all.get(exact(key)) })),
    'an output that is older than asked for is not recalled',
  ],
  [
    'forgets what an execution has remembered when it is deleted',
    remembering(exact, (all, store) => ({
      delete: id => {
        for (const [name, { executionId }] of all) if (executionId === id) all.delete(name)
        return store.delete(id)
      },
    })),
    'a remembered output outlives its execution, until all are forgotten',
  ],
  [
    'forgets only what has no owner',
    remembering(exact, all => ({
      forget: () => {
        const { size } = all
        for (const name of all.keys()) if (name.startsWith('[null')) all.delete(name)
        return size
      },
    })),
    'a remembered output outlives its execution, until all are forgotten',
  ],
  [
    'does not fence secrets',
    secretly((secrets, store) => ({
      put: async (lease, inputId, json) => secrets.put(await store.claim(lease.executionId), inputId, json),
    })),
    FENCED,
  ],
  [
    'does not fence the removal of secrets',
    secretly((secrets, store) => ({
      keep: async (lease, ids) => secrets.keep(await store.claim(lease.executionId), ids),
    })),
    FENCED,
  ],
  [
    'writes secrets anew',
    secretly(secrets => ({
      put: (lease, inputId, json) => secrets.put(lease, inputId, JSON.stringify(JSON.parse(json))),
    })),
    'a secret answer comes back to the byte, and only from its own execution',
  ],
  ['keeps all secrets', secretly(() => ({ keep: () => {} })), 'all secrets are removed but those that are kept'],
  [
    'keeps no secret',
    secretly(secrets => ({ keep: lease => secrets.keep(lease, []) })),
    'all secrets are removed but those that are kept',
  ],
  [
    'keeps secrets among the outputs',
    store =>
      secretly(() => ({
        put: (lease, inputId, json) => store.putOutput(lease, inputId, json),
        get: (id, inputId) => store.getOutput(id, inputId),
      }))(store),
    'a secret is no output of a task',
  ],
]
