import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DIST } from './machine.ts'

const run = promisify(execFile)
const script = fileURLToPath(new URL('build-version.mjs', import.meta.url))

/** A build of dagstream, and the version that its processes announce. */
export interface Build {
  readonly dist: string
  readonly version: string
}

/** Builds whose databases are one version apart each. */
export interface Builds {
  readonly old: Build
  readonly new: Build
  /** Two ahead of the old one. */
  readonly newest: Build
  /** Whether the environment names them: their databases may be of the same version. */
  readonly isReal: boolean
  /** Removes what was built. */
  readonly remove: () => void
}

/**
 * The present build as the old one, and two that are made from the present source with further migrations: that needs no history.
 * `DAGSTREAM_OLD_DIST` and `DAGSTREAM_NEW_DIST` name the folders `dist` of two real builds instead.
 */
export async function makeBuilds(): Promise<Builds> {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-builds-'))
  const make = async (ahead: number): Promise<Build> => {
    const place = join(folder, String(ahead))
    mkdirSync(place)
    await run(process.execPath, [script, place, String(ahead)])
    return { dist: join(place, 'dist'), version: `ahead ${ahead}` }
  }
  const { DAGSTREAM_OLD_DIST: old = DIST, DAGSTREAM_NEW_DIST: next } = process.env
  return {
    old: findBuild(old),
    new: next === undefined ? await make(1) : findBuild(next),
    newest: await make(2),
    isReal: old !== DIST || next !== undefined,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A build in its package. */
function findBuild(dist: string): Build {
  const { version } = JSON.parse(readFileSync(join(dirname(dist), 'package.json'), 'utf8')) as { version: string }
  return { dist, version }
}

/** Runs a command of a build to its end. */
export async function runBuild(
  { dist }: Build,
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly stderr: string }> {
  try {
    const { stderr } = await run(process.execPath, [join(dist, 'cli/main.js'), ...argv])
    return { code: 0, stderr }
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string }
    return { code, stderr }
  }
}
