export { nullRxBurst, nullRxRelease, nullTxBurst, nullTxReserve } from './null';
export { pcapRxBurst, pcapRxRelease, pcapTxBurst, pcapTxReserve } from './pcap';
export {
  xskFillWaiting,
  xskMaintain,
  xskRxBurst,
  xskRxRelease,
  xskRxWaiting,
  xskTxBurst,
  xskTxReserve,
  xskTxWaiting,
} from './xsk';
export {
  intelRxBurst,
  intelRxPublish,
  intelRxRelease,
  intelRxWaiting,
  intelTxBurst,
  intelTxReserve,
  intelTxWaiting,
} from './intel';
export {
  virtioRxBurst,
  virtioRxInterrupts,
  virtioRxPublish,
  virtioRxRelease,
  virtioTxBurst,
  virtioTxReserve,
} from './virtio';
