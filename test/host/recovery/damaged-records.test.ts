import { join } from 'node:path'
import { expect, test } from 'vitest'
import { StoredExecutions } from '../../../src/cli/target/stored-executions.ts'
import { createFileHost } from '../../../src/cli/target/file-host.ts'
import { type DagstreamError, type ExecutionStore, parseJson } from '../../../src/index.ts'
import { loadDriver } from '../../../src/store/sqlite/driver.ts'
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite/index.ts'
import { leaveUnfinished, makeFolder, runIn } from '../../cli/store-rig.ts'
import { handlerRig } from '../../http/handler/handler-rig.ts'

const TASK = { id: 'a', tool: 'work' }
const TOOLS = { work: () => 1 }

/** The codes of resume, cancel and delete. */
type Codes = readonly [resume: string, cancel: string, remove: string]

const UNUSABLE: Codes = ['RECORD_UNUSABLE', 'RECORD_UNUSABLE', 'done']

/** Damages of the file, each as the statement that makes it. */
const DAMAGES: readonly (readonly [string, string, Codes])[] = [
  ['a workflow that is no JSON', setRequest('workflow', '{"tasks":'), UNUSABLE],
  ['a workflow that is null', setRequest('workflow', 'null'), UNUSABLE],
  ['a workflow that is none', setRequest('workflow', '{"tasks":[null]}'), UNUSABLE],
  ['a workflow that fails its checks', setRequest('workflow', JSON.stringify({ tasks: [TASK, TASK] })), UNUSABLE],
  [
    'a workflow with a cycle',
    setRequest('workflow', JSON.stringify({ tasks: [{ ...TASK, dependencies: ['a'] }] })),
    UNUSABLE,
  ],
  ['an input that is no JSON', setRequest('input', '{'), UNUSABLE],
  ['options that are no JSON', setRequest('options', '{'), UNUSABLE],
  ['options that are none', setRequest('options', '{"schedule":"no"}'), UNUSABLE],
  ['an event that is no JSON', `UPDATE events SET json = '{'`, ['STORE_FAILED', 'STORE_FAILED', 'EXECUTION_RUNNING']],
  [
    'an end that the log has not',
    `UPDATE executions SET status = 'success', ended_at = 4000000000000`,
    ['EXECUTION_ENDED', 'done', 'done'],
  ],
  ['no damage', 'SELECT 1', ['done', 'done', 'EXECUTION_RUNNING']],
]

function setRequest(column: string, text: string): string {
  return `UPDATE requests SET ${column} = '${text}'`
}

/** A file with one unfinished execution, damaged. */
async function damage(statement: string): Promise<{ file: string; id: string }> {
  const file = join(makeFolder(), 'runs.db')
  const id = await leaveUnfinished(file, { tasks: [TASK] }, TOOLS, 2)
  const connection = (await loadDriver()).open(file)
  connection.exec(statement)
  connection.close()
  return { file, id }
}

/** The code that a piece of work on the file fails with; `"done"` where it succeeds. */
async function codeOf(file: string, work: (store: SqliteStore) => Promise<unknown>): Promise<unknown> {
  const store = await openSqliteStore(file)
  try {
    await work(store)
    return 'done'
  } catch (error) {
    return (error as DagstreamError).code
  } finally {
    await store.close()
  }
}

/** The code that a route answers with; `"done"` for a success. */
async function routeCode(store: ExecutionStore, method: string, path: string): Promise<unknown> {
  const rig = handlerRig({ store, tools: TOOLS })
  const response = await rig.send(method, path)
  const { code } = response.ok ? { code: 'done' } : ((parseJson(await response.text()) ?? {}) as { code?: unknown })
  await rig.handler.close()
  return code
}

const REASON = { code: 'CANCELLED', message: 'x' } as const

const COMMANDS = [
  ['resume', 'POST', '/resume'],
  ['cancel', 'POST', '/cancel'],
  ['delete', 'DELETE', ''],
] as const

test.each(DAMAGES)('%s has the same code by route, by command line and by code', async (_, statement, expected) => {
  for (const [at, [name, method, path]] of COMMANDS.entries()) {
    const codes: unknown[] = []
    const byRoute = await damage(statement)
    codes.push(
      await codeOf(byRoute.file, async store => {
        const code = await routeCode(store, method, `/executions/${byRoute.id}${path}`)
        if (code !== 'done') throw Object.assign(new Error('refused'), { code })
      }),
    )
    const byHost = await damage(statement)
    codes.push(
      await codeOf(byHost.file, async store => {
        const { commands } = createFileHost(store, TOOLS)
        if (name === 'cancel') await commands.cancel(byHost.id, REASON)
        else await commands[name](byHost.id)
      }),
    )
    const byFile = await damage(statement)
    if (name !== 'resume') {
      codes.push(await codeOf(byFile.file, store => new StoredExecutions(store)[name](byFile.id)))
    }
    const byLine = await damage(statement)
    const { code: exit, stderr } = await runIn(
      join(byLine.file, '..'),
      `executions ${name} ${byLine.id} --store runs.db`,
    )
    const code = expected[at]
    expect([name, ...codes]).toEqual([name, ...codes.map(() => code)])
    // Without the tool that it needs, `resume` of a sound record is a fault of usage.
    const needsTool = name === 'resume' && code === 'done'
    expect([name, exit]).toEqual([name, needsTool ? 2 : code === 'done' ? 0 : 1])
    if (code === 'RECORD_UNUSABLE') expect(stderr).toContain('the execution can be deleted, and nothing else')
  }
})
