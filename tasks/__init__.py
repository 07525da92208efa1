"""The science of Orrery: systems and their shared kernel, free of Airflow, Ray and MLflow."""
