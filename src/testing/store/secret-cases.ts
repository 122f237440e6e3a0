import type { ExecutionStore, SecretStore } from '../../store/execution-store.ts'
import { expectCode, expectSame } from '../expectations.ts'
import { begin, type NamedCheck } from '../store-fixtures.ts'

/** Requirements on a store that keeps secret answers; met by one that keeps none. */
export const SECRET_CASES: readonly NamedCheck[] = [
  ['a secret answer comes back to the byte, and only from its own execution', checkSecrets],
  ['all secrets are removed but those that are kept', checkKept],
  ['an earlier lease neither writes nor removes secrets', checkFenced],
  ['a secret is no output of a task', checkApart],
]

async function withSecrets(
  store: ExecutionStore,
  check: (secrets: SecretStore, begun: Awaited<ReturnType<typeof begin>>) => Promise<void>,
): Promise<void> {
  if (store.secrets !== undefined) await check(store.secrets, await begin(store))
}

async function checkSecrets(store: ExecutionStore): Promise<void> {
  await withSecrets(store, async (secrets, { executionId, lease }) => {
    const json = '{"p":"\\ud800 \\u0000 é \\" 🧵","b":9007199254740993,"a":1.0}'
    await secrets.put(lease, 'a.1', json)
    await secrets.put(lease, 'a.2', '1')
    await secrets.put(lease, 'a.2', '2')
    expectSame('a secret', await secrets.get(executionId, 'a.1'), json)
    expectSame('a secret that was replaced', await secrets.get(executionId, 'a.2'), '2')
    expectSame('a secret that there is not', await secrets.get(executionId, 'a.3'), undefined)
    const other = await begin(store)
    expectSame('a secret of another execution', await secrets.get(other.executionId, 'a.1'), undefined)
  })
}

async function checkKept(store: ExecutionStore): Promise<void> {
  await withSecrets(store, async (secrets, { executionId, lease }) => {
    for (const id of ['a.1', 'b.1', 'b.2']) await secrets.put(lease, id, '1')
    await secrets.keep(lease, ['b.1', 'unknown.1'])
    const found = await Promise.all(['a.1', 'b.1', 'b.2'].map(async id => secrets.get(executionId, id)))
    expectSame('the secrets', found, [undefined, '1', undefined])
    await secrets.keep(lease, [])
    expectSame('a secret', await secrets.get(executionId, 'b.1'), undefined)
  })
}

async function checkFenced(store: ExecutionStore): Promise<void> {
  await withSecrets(store, async (secrets, { executionId, lease }) => {
    await secrets.put(lease, 'a.1', '1')
    await store.claim(executionId)
    await expectCode('secrets.put() with an earlier lease', ['FENCED'], () => secrets.put(lease, 'a.1', '2'))
    await expectCode('secrets.keep() with an earlier lease', ['FENCED'], () => secrets.keep(lease, []))
    expectSame('a secret', await secrets.get(executionId, 'a.1'), '1')
  })
}

async function checkApart(store: ExecutionStore): Promise<void> {
  await withSecrets(store, async (secrets, { executionId, lease }) => {
    await secrets.put(lease, 'a.1', '"secret"')
    await store.putOutput(lease, 'a.1', '"output"')
    expectSame('the output', await store.getOutput(executionId, 'a.1'), '"output"')
    expectSame('the secret', await secrets.get(executionId, 'a.1'), '"secret"')
    await secrets.keep(lease, [])
    expectSame('the output', await store.getOutput(executionId, 'a.1'), '"output"')
    await store.delete(executionId)
    expectSame('a secret', await secrets.get(executionId, 'a.1'), undefined)
  })
}
