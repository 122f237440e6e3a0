import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

/** A checkout without packages, and an `npm` that only leaves a mark. */
function createCheckout(): { folder: string; prepare: () => { isInstalled: boolean; stderr: string } } {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-prepare-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  cpSync(fileURLToPath(new URL('../../scripts', import.meta.url)), join(folder, 'scripts'), { recursive: true })
  writeFileSync(join(folder, 'package-lock.json'), '{}')
  mkdirSync(join(folder, 'bin'))
  const mark = join(folder, 'npm-was-run')
  writeFileSync(join(folder, 'bin/npm'), `#!/bin/sh\n: > '${mark}'\n`)
  chmodSync(join(folder, 'bin/npm'), 0o755)
  return {
    folder,
    prepare() {
      const { stderr } = spawnSync(process.execPath, [join(folder, 'scripts/prepare.mjs')], {
        encoding: 'utf8',
        timeout: 30_000,
        env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` },
      })
      return { isInstalled: existsSync(mark), stderr }
    },
  }
}

const TITLE =
  'what is missing is installed, but never into what a link leads to (not on Windows: `npm` is a script here)'

test.skipIf(process.platform === 'win32')(TITLE, () => {
  const missing = createCheckout()
  expect(missing.prepare()).toEqual({ isInstalled: true, stderr: 'Installing dependencies…\n' })

  const linked = createCheckout()
  mkdirSync(join(linked.folder, 'elsewhere'))
  symlinkSync('elsewhere', join(linked.folder, 'node_modules'))
  expect(linked.prepare()).toEqual({
    isInstalled: false,
    stderr: 'node_modules is a symbolic link: its packages are taken as they are, nothing is installed\n',
  })

  const dangling = createCheckout()
  symlinkSync('nowhere', join(dangling.folder, 'node_modules'))
  expect(dangling.prepare().isInstalled).toBe(false)
})
