# {"requirements": ["sqlalchemy"]}
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
Base.metadata.create_all(engine)


def handler(event):
    with Session(engine) as session:
        session.add_all([User(name=f"{event['name']} {number}") for number in range(20)])
        session.commit()
        return len(session.scalars(select(User).where(User.name.like("%1%"))).all())
