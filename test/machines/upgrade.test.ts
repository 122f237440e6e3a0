import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Undisturbed } from '../kill/kill-case.ts'
import { ASKING, KILL_WORKFLOWS, type KillWorkflow, LANGUAGE } from '../kill/kill-workflows.ts'
import { isPostgresMissing } from '../support/postgres.ts'
import { createRandom } from '../support/random-graph.ts'
import { isRedisMissing } from '../support/redis.ts'
import { type Build, type Builds, makeBuilds, runBuild } from './builds.ts'
import { Client } from './client.ts'
import { Fleet, until } from './fleet.ts'
import { readLongForm } from './long-form.ts'
import { runUndisturbed } from './machine-case.ts'
import type { Machine } from './machine.ts'

// Servers and workers of two builds on one database. Each build's database is one version ahead of the one before. Real processes.

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const random = createRandom(SEED)
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T

const WORKFLOWS = [...KILL_WORKFLOWS, ASKING]
const pickSome = (count: number): KillWorkflow[] => Array.from({ length: count }, () => pick(WORKFLOWS))

const long = readLongForm()
/** The long form replaces processes by either version, at random. */
const REPLACEMENTS = long === undefined ? 0 : Math.ceil(long.killCount / 5)
/** Of one test, ms, on a machine that has much to do. */
const PATIENCE_MS = 180_000
const QUEUES = long === undefined || isRedisMissing ? [false] : [false, true]

/** Those that open a store. */
const COMMANDS = [['serve', '--port', '0'], ['worker']]

/** Executions that run while something happens. */
interface Running {
  readonly clients: readonly Client[]
  /** Lets the questions be answered, and waits for the ends. @returns what is wrong with them */
  end(): Promise<string[]>
}

describe.skipIf(isPostgresMissing).each(QUEUES)(
  `a rolling upgrade (seed ${SEED}, queued: %s)`,
  { timeout: PATIENCE_MS },
  isQueued => {
    let builds: Builds
    let fleet: Fleet
    let undisturbed: Undisturbed
    let clientCount = 0

    beforeAll(async () => {
      builds = await makeBuilds()
      fleet = await Fleet.start(builds.old, isQueued)
      undisturbed = await runUndisturbed(fleet, WORKFLOWS)
    }, 120_000)

    afterAll(async () => {
      await fleet?.close()
      builds?.remove()
    })

    /** @param at the server, 0 or 1, of the first request; `undefined` for both at once @param read an execution that runs already */
    const begin = (workflow: KillWorkflow, at?: 0 | 1, read?: Client): Client => {
      const client = new Client(fleet, workflow, `upgrade-${++clientCount}`, (at ?? 0) + 1, {
        isDoubled: at === undefined,
      })
      client.executionId = read?.executionId
      return client
    }

    const run = (...clients: readonly Client[]): Running => {
      let answer = (): void => {}
      const answers = new Promise<void>(resolve => (answer = resolve))
      for (const client of clients) client.beforeAnswer = () => answers
      const followed = Promise.all(clients.map(client => client.follow()))
      // Reported to those that await it.
      followed.catch(() => {})
      return {
        clients,
        async end() {
          answer()
          await followed
          const faults = await Promise.all(clients.map(client => fleet.findFaults(client, undisturbed)))
          return [...faults.flat(), ...fleet.findFaultyProcesses()]
        },
      }
    }

    /** Resolves once every client has seen so many events. */
    const untilSeen = (clients: readonly Client[], count: number): Promise<void> =>
      until(
        () => clients.map(({ seen }) => seen.length),
        counts => counts.every(each => each >= count),
      )

    const stop = async (machine: Machine): Promise<void> => expect(await machine.stop()).toBe(0)
    const replace = async (machine: Machine, build: Build): Promise<void> => {
      await stop(machine)
      await machine.restart(build.dist)
    }

    /** Replaces processes one after the other, each while executions have just begun. An open question is there throughout. */
    const replaceEach = async (steps: readonly (readonly [Machine, Build])[]): Promise<string[]> => {
      const asking = run(begin(ASKING))
      const batches: Running[] = []
      for (const [machine, build] of steps) {
        const batch = run(...pickSome(3).map(workflow => begin(workflow)))
        batches.push(batch)
        await untilSeen([...batch.clients.slice(0, 1), ...asking.clients], 3)
        await replace(machine, build)
      }
      const faults = await Promise.all([...batches, asking].map(each => each.end()))
      return faults.flat()
    }

    test('begins with the migration, under executions of the version before', async () => {
      const isSame = builds.isReal && (await runBuild(builds.new, 'store', 'check', fleet.url)).code === 0
      for (const command of isSame ? [] : COMMANDS) {
        const { code, stderr } = await runBuild(builds.new, ...command, ...fleet.flags)
        expect([code, stderr]).toEqual([1, expect.stringContaining('store migrate')])
      }
      const running = run(...[ASKING, LANGUAGE, ...pickSome(3)].map(workflow => begin(workflow)))
      await untilSeen(running.clients, 3)
      const { code, stderr } = await runBuild(builds.new, 'store', 'migrate', fleet.url)
      expect([code, stderr]).toEqual([0, expect.stringContaining(isSame ? 'nothing to migrate' : 'is migrated')])
      await fleet.grant()
      expect(running.clients[0]?.seen.at(-1)?.type).not.toBe('execution_complete')
      expect(await running.end()).toEqual([])
    })

    test('hands executions over from the version before to the new one, and back, and each reads those of the other', async () => {
      const [first, second] = fleet.servers
      const { old, new: next } = builds
      await replace(first, next)
      const [byNext, byOld] = [begin(ASKING, 0), begin(ASKING, 1)] as const
      const running = run(byNext, byOld)
      await untilSeen(running.clients, 4)
      const readCoordinators = (): Promise<readonly (string | undefined)[]> =>
        Promise.all(running.clients.map(client => fleet.readCoordinator(client)))
      expect(await readCoordinators()).toEqual([next.version, old.version])
      const readers = run(begin(ASKING, 1, byNext), begin(ASKING, 0, byOld))
      await untilSeen(readers.clients, 4)

      await stop(second)
      await until(readCoordinators, found => found.every(each => each === next.version))
      await second.restart(old.dist)
      await stop(first)
      await until(readCoordinators, found => found.every(each => each === old.version))
      await first.restart(next.dist)
      expect(await Promise.all([running.end(), readers.end()])).toEqual([[], []])
    })

    test('replaces each process under executions, in any order', async () => {
      const machines = [...fleet.machines].sort(() => random() - 0.5)
      expect(await replaceEach(machines.map(machine => [machine, builds.new]))).toEqual([])
      expect(await fleet.readVersions()).toEqual(Array.from({ length: 4 }, () => builds.new.version))
      const response = await fetch(`${await fleet.servers[0].ready}/workers`)
      const { workers } = (await response.json()) as { workers: readonly { version: string }[] }
      expect(workers.map(({ version }) => version)).toEqual([builds.new.version, builds.new.version])
    })

    test.skipIf(REPLACEMENTS === 0)(
      'goes back and forth between the two versions',
      { timeout: 3_600_000 },
      async () => {
        for (let count = 0; count < REPLACEMENTS; count += 6) {
          const steps = Array.from({ length: 6 }, () => [pick(fleet.machines), pick([builds.old, builds.new])] as const)
          expect(await replaceEach(steps)).toEqual([])
        }
        for (const machine of fleet.machines) await replace(machine, builds.new)
      },
    )

    test('stops at two versions: neither the migration nor the start of a process leaves one of them behind', async ({
      skip,
    }) => {
      const { old, new: next, newest, isReal } = builds
      skip(isReal, 'How far apart real builds are is not known')
      await replace(fleet.workers[0], old)
      const running = run(begin(ASKING), begin(LANGUAGE))
      await untilSeen(running.clients, 3)
      const refused = await runBuild(newest, 'store', 'migrate', fleet.url)
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(`worker `)])
      expect(refused.stderr).toContain(`(dagstream ${old.version})`)
      await replace(fleet.workers[0], next)
      expect(await runBuild(newest, 'store', 'migrate', fleet.url)).toMatchObject({ code: 0 })
      for (const command of COMMANDS) {
        const { code, stderr } = await runBuild(old, ...command, ...fleet.flags)
        expect([code, stderr]).toEqual([1, expect.stringContaining('was migrated by a newer dagstream')])
      }
      expect(await running.end()).toEqual([])
    })
  },
)
