/** Flags that have a node process write a CPU profile when it ends. */
export function profiling({ profile }, name) {
  if (profile === undefined) return [];
  return [
    "--cpu-prof",
    `--cpu-prof-dir=${profile}`,
    `--cpu-prof-name=${name}-${process.pid}-${count++}.cpuprofile`,
  ];
}

let count = 0;
