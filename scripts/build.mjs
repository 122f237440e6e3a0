// Compiles src to dist and stamps the build, so that `prepare.mjs` can tell whether it is still fresh.
import { execFileSync } from 'node:child_process'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { root, sourceStamp, stampFile } from './stamp.mjs'

rmSync(new URL('dist', root), { recursive: true, force: true })
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
})
chmodSync(new URL('dist/cli/main.js', root), 0o755)
writeFileSync(stampFile, sourceStamp())
