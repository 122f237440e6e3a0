// Installs what is missing and, with `--build`, builds what is stale. Quick when there is nothing to do.
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs'
import { root, sourceStamp, stampFile } from './stamp.mjs'

const installed = new URL('node_modules/.package-lock.json', root)
const lock = new URL('package-lock.json', root)
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  // `npm ci` empties what the link leads to, which may be another checkout's.
  if (lstatSync(new URL('node_modules', root), { throwIfNoEntry: false })?.isSymbolicLink()) {
    process.stderr.write('node_modules is a symbolic link: its packages are taken as they are, nothing is installed\n')
  } else {
    process.stderr.write('Installing dependencies…\n')
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
      shell: process.platform === 'win32',
    })
  }
}

if (process.argv.includes('--build')) {
  const stamp = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : ''
  if (stamp !== sourceStamp()) {
    process.stderr.write('Building…\n')
    execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: ['ignore', 2, 2] })
  }
}
