"""What tests share: an oracle, data sets, fakes of AWS's services, and helpers."""
