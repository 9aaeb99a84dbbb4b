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
